"""The statements of ``match_occurrences``, each for ``{scope}``: a condition on tags called ``t``."""

from __future__ import annotations

from typing import Final

OF_TAGS: Final = "t.id = ANY(%(tags)s)"
OF_REPOSITORIES: Final = "t.repository_id = ANY(%(repositories)s) AND t.deleted_at IS NULL"

# An image that other rules than ours have been put to says nothing: whoever judges asks it first.
SAID: Final = """
SELECT 'outline', id, text FROM compliance_outline WHERE id IN (
    SELECT i.outline_id FROM compliance_tag t JOIN compliance_image i ON i.id = t.image_id
    WHERE {scope} AND t.deleted_at IS NULL AND i.outline_revision = %(revision)s
    UNION ALL
    SELECT i.outline_id FROM compliance_tag t JOIN compliance_indeximage c ON c.index_id = t.index_id
    JOIN compliance_image i ON i.id = c.image_id
    WHERE {scope} AND t.deleted_at IS NULL AND i.outline_revision = %(revision)s
)
UNION ALL
SELECT 'index', c.index_id, jsonb_agg(jsonb_build_array(
    CASE WHEN i.outline_revision = %(revision)s THEN i.outline_id END, i.identity) ORDER BY c.position)::text
FROM (SELECT DISTINCT t.index_id FROM compliance_tag t
    WHERE {scope} AND t.deleted_at IS NULL AND t.index_id IS NOT NULL) shown
JOIN compliance_indeximage c ON c.index_id = shown.index_id
JOIN compliance_image i ON i.id = c.image_id
GROUP BY c.index_id
UNION ALL
SELECT 'repository', r.id, to_jsonb(g.protected_tags)::text
FROM compliance_repository r JOIN compliance_registry g ON g.id = r.registry_id
WHERE r.id IN (SELECT t.repository_id FROM compliance_tag t WHERE {scope}) AND g.protected_tags <> '{{}}'
"""

# scope: the tags; shown: their images by platform. before, turned: where a tag that moved, or whose image was read
# later, ran as somebody else when it was last known who runs it.
_IMAGES: Final = """
WITH scope AS MATERIALIZED (
    SELECT t.id, t.repository_id, t.image_id, t.index_id, t.failing_since, t.deleted_at IS NULL AS listed,
        t.unconfirmed_since IS NULL AS confirmed, COALESCE(t.seen_at, %(now)s) AS seen_at
    FROM compliance_tag t WHERE {scope}
), shown AS MATERIALIZED (
    SELECT s.id AS tag, s.repository_id, s.confirmed, s.failing_since, i.id AS image, i.platform, 0 AS place,
        CASE WHEN i.outline_revision = %(revision)s THEN i.outline_id END AS outline, i.uid,
        CASE WHEN length(i.declared_user) <= %(longest)s THEN i.declared_user
            ELSE left(i.declared_user, %(kept)s) || ' ['
                || left(encode(sha256(convert_to(i.declared_user, 'UTF8')), 'hex'), 16) || ']' END AS subject
    FROM scope s JOIN compliance_image i ON i.id = s.image_id WHERE s.listed
    UNION ALL
    SELECT s.id, s.repository_id, s.confirmed, s.failing_since, i.id,
        COALESCE(NULLIF(c.platform, ''), i.platform), c.position,
        CASE WHEN i.outline_revision = %(revision)s THEN i.outline_id END, i.uid,
        CASE WHEN length(i.declared_user) <= %(longest)s THEN i.declared_user
            ELSE left(i.declared_user, %(kept)s) || ' ['
                || left(encode(sha256(convert_to(i.declared_user, 'UTF8')), 'hex'), 16) || ']' END
    FROM scope s JOIN compliance_indeximage c ON c.index_id = s.index_id
    JOIN compliance_image i ON i.id = c.image_id WHERE s.listed
), pointed AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(pointed)s::jsonb)
        AS p(tag bigint, image bigint, index bigint, back int, unsaid text[], moved bool)
), moved AS (
    SELECT tag, index FROM pointed WHERE moved AND back = 0
), before AS (
    SELECT p.tag, p.back, p.unsaid, i.platform, i.uid FROM pointed p JOIN compliance_image i ON i.id = p.image
    UNION ALL
    SELECT p.tag, p.back, p.unsaid, COALESCE(NULLIF(c.platform, ''), i.platform), i.uid
    FROM pointed p JOIN compliance_indeximage c ON c.index_id = p.index JOIN compliance_image i ON i.id = c.image_id
), turned AS MATERIALIZED (
    SELECT tag, platform FROM (
        SELECT DISTINCT ON (tag, platform) tag, platform, bool_and(uid <> 0) AS otherwise FROM before
        WHERE uid IS NOT NULL GROUP BY tag, platform, back
        HAVING NOT bool_or(uid = 0 AND (platform = ANY(unsaid) OR '' = ANY(unsaid))) ORDER BY tag, platform, back
    ) last WHERE otherwise
)"""

# wanted: what is violated, once for each tag, platform and subject. stored: what was known of these tags.
_WANTED: Final = """, violated AS (
    SELECT sh.tag, sh.repository_id, v.rule, sh.platform,
        CASE WHEN v.rule = ANY(%(about_user)s) THEN sh.subject ELSE '' END AS subject, sh.image, sh.place,
        sh.confirmed, sh.failing_since, v.rank, v.decides,
        sh.uid = 0 AND v.rule = ANY(%(root)s) AS rooted, turned.tag IS NOT NULL AS moved_to
    FROM shown sh JOIN jsonb_to_recordset(%(violated)s::jsonb)
        AS v(outline bigint, rule text, rank smallint, decides bool) ON v.outline = sh.outline
    LEFT JOIN turned ON turned.tag = sh.tag AND turned.platform = sh.platform
    UNION ALL
    SELECT s.id, s.repository_id, v.rule, '', '', NULL, 0, s.confirmed, s.failing_since, v.rank, v.decides, false, false
    FROM scope s JOIN jsonb_to_recordset(%(across_violated)s::jsonb)
        AS v(index bigint, rule text, rank smallint, decides bool) ON v.index = s.index_id
    WHERE s.listed
), wanted AS (
    SELECT DISTINCT ON (tag, rule, platform, subject) * FROM violated
    ORDER BY tag, rule, platform, subject, decides DESC, rank, place
), stored AS MATERIALIZED (
    SELECT o.id, o.finding_id, o.tag_id AS tag, o.image_id AS image, o.decides, o.proved, o.rank, o.regression,
        f.rule, f.platform, f.subject
    FROM scope s JOIN compliance_occurrence o ON o.tag_id = s.id JOIN compliance_finding f ON f.id = o.finding_id
), root_before AS (
    SELECT DISTINCT tag, platform FROM stored WHERE regression
), desired AS MATERIALIZED (
    SELECT w.*, st.id AS occurrence, st.finding_id, st.image AS was_image, st.decides AS was_decides, st.proved,
        st.rank AS was_rank, COALESCE(st.regression, false) AS was_regression,
        COALESCE(w.rooted, false) AND (w.moved_to OR root_before.tag IS NOT NULL) AS regression,
        COALESCE(w.rooted, false) AND w.moved_to AND root_before.tag IS NULL AS turned
    FROM wanted w
    LEFT JOIN stored st ON (st.tag, st.rule, st.platform, st.subject) = (w.tag, w.rule, w.platform, w.subject)
    LEFT JOIN root_before ON root_before.tag = w.tag AND root_before.platform = w.platform
)"""

# A tag that fails and shows nothing yet was stored by a release without findings: it has failed since then.
# made: dated at once by the term it will have, so that nobody reads in the audit trail that its date was changed.
# changed: also what shows the same by the same image below another index, which no waiver of the first one covers.
_ADDED: Final = """, fresh AS MATERIALIZED (
    SELECT d.tag, d.repository_id, d.rule, d.platform, d.subject, d.image, d.decides, d.confirmed, d.rank,
        d.regression, d.turned,
        CASE WHEN d.decides AND had.tag IS NULL THEN LEAST(d.failing_since, %(now)s) ELSE %(now)s END AS since
    FROM desired d LEFT JOIN (SELECT DISTINCT tag FROM stored) had ON had.tag = d.tag WHERE d.occurrence IS NULL
), keys AS MATERIALIZED (
    SELECT k.*, f.id FROM (
        SELECT n.repository_id, n.rule, n.platform, n.subject, min(n.since) AS since,
            CASE WHEN bool_or(n.regression) THEN %(critical)s ELSE min(n.rank) END AS rank,
            COALESCE(bool_or(t.name ~ p.pattern), false) AS protected
        FROM fresh n JOIN compliance_tag t ON t.id = n.tag
        LEFT JOIN jsonb_to_recordset(%(protected)s::jsonb) AS p(repository bigint, pattern text)
            ON p.repository = n.repository_id
        GROUP BY n.repository_id, n.rule, n.platform, n.subject
    ) k LEFT JOIN compliance_finding f
    ON (f.repository_id, f.rule, f.platform, f.subject) = (k.repository_id, k.rule, k.platform, k.subject)
), made AS (
    INSERT INTO compliance_finding (repository_id, rule, platform, subject, rank, status, resolution, regression,
        baseline, protected, tags, first_seen_at, last_seen_at, opened_at, changed_at, sla_from, due_at,
        due_edited)
    SELECT repository_id, rule, platform, subject, k.rank, 'new', '', false, false, k.protected, 0, since, %(now)s,
        since, %(now)s, %(now)s, %(now)s::timestamptz + make_interval(days => term.days), false
    FROM keys k LEFT JOIN compliance_slaterm term ON (term.rank, term.protected) = (k.rank, k.protected)
    WHERE k.id IS NULL
    ORDER BY k.rank, rule, repository_id, platform, subject
    RETURNING id, repository_id, rule, platform, subject
), ids AS (
    SELECT id, repository_id, rule, platform, subject, false AS made FROM keys WHERE id IS NOT NULL
    UNION ALL SELECT id, repository_id, rule, platform, subject, true FROM made
), added AS (
    INSERT INTO compliance_occurrence (finding_id, tag_id, image_id, decides, proved, rank, regression, since)
    SELECT ids.id, n.tag, n.image, n.decides, n.confirmed, n.rank, n.regression, n.since
    FROM fresh n JOIN ids
    ON (ids.repository_id, ids.rule, ids.platform, ids.subject) = (n.repository_id, n.rule, n.platform, n.subject)
), changed AS (
    UPDATE compliance_occurrence o SET image_id = d.image, decides = d.decides, proved = d.confirmed, rank = d.rank,
        regression = d.regression
    FROM desired d WHERE o.id = d.occurrence AND (d.was_image IS DISTINCT FROM d.image OR d.was_decides <> d.decides
        OR d.proved <> d.confirmed OR d.was_rank <> d.rank OR d.was_regression <> d.regression
        OR d.tag IN (SELECT tag FROM moved))
    RETURNING o.finding_id, d.turned
)"""

# What is no longer violated. Where the rule, the image, or the whole tag is unknown it stays. An image that shows it no
# more without having changed was not fixed by anybody: rules or policy are others. Nor was one that nobody read because
# the scope has its platform no more; what compares platforms then says nothing of those it was found on.
_LOST: Final = """, lost AS MATERIALIZED (
    SELECT st.*, s.listed, s.image_id IS NULL AND s.index_id IS NULL AS unread, s.index_id, s.seen_at
    FROM stored st JOIN scope s ON s.id = st.tag LEFT JOIN desired d ON d.occurrence = st.id
    WHERE d.occurrence IS NULL
), doubted AS (
    SELECT l.id FROM lost l JOIN shown sh ON sh.tag = l.tag AND sh.platform IN (l.platform, '')
    LEFT JOIN jsonb_to_recordset(%(unknown)s::jsonb) AS u(outline bigint, rule text)
        ON u.outline = sh.outline AND u.rule = l.rule
    WHERE l.rule <> ALL(%(comparing)s)
        AND (u.rule IS NOT NULL OR sh.outline IS NULL OR sh.outline = ANY(%(blind)s::bigint[]))
    UNION
    SELECT l.id FROM lost l JOIN jsonb_to_recordset(%(across_unknown)s::jsonb) AS u(index bigint, rule text)
        ON u.index = l.index_id AND u.rule = l.rule
), unmoved AS (
    SELECT l.id FROM lost l JOIN shown sh ON sh.tag = l.tag AND sh.image = l.image
    UNION
    SELECT l.id FROM lost l WHERE l.image IS NULL AND l.tag NOT IN (SELECT tag FROM moved)
), narrowed AS (
    SELECT l.id FROM lost l JOIN compliance_index read ON read.id = l.index_id AND read.platforms <> ''
    WHERE l.platform <> '' AND NOT EXISTS (SELECT FROM shown sh WHERE sh.tag = l.tag AND sh.platform = l.platform)
    UNION
    SELECT l.id FROM lost l JOIN moved m ON m.tag = l.tag JOIN compliance_index was ON was.id = m.index
    JOIN compliance_index read ON read.id = l.index_id AND read.platforms <> was.platforms
    WHERE l.rule = ANY(%(comparing)s)
), why AS MATERIALIZED (
    SELECT l.id, l.finding_id, l.proved, l.decides, l.seen_at, CASE
        WHEN NOT l.listed THEN 'gone'
        WHEN l.rule <> ALL(%(asked)s) THEN 'policy'
        WHEN l.unread OR doubted.id IS NOT NULL THEN 'unknown'
        WHEN unmoved.id IS NOT NULL THEN 'policy'
        WHEN narrowed.id IS NOT NULL THEN 'gone'
        ELSE 'proved' END AS why
    FROM lost l LEFT JOIN doubted ON doubted.id = l.id LEFT JOIN unmoved ON unmoved.id = l.id
    LEFT JOIN narrowed ON narrowed.id = l.id
), marked AS (
    UPDATE compliance_occurrence o SET proved = false, decides = false FROM why
    WHERE why.id = o.id AND why.why = 'unknown' AND (o.proved OR o.decides)
    RETURNING o.finding_id
), removed AS (
    DELETE FROM compliance_occurrence o USING why WHERE why.id = o.id AND why.why <> 'unknown'
    RETURNING o.finding_id, why.why, why.seen_at
)"""

_TOUCHED: Final = """
SELECT finding_id, bool_or(made), bool_or(turned), bool_or(why = 'proved'), bool_or(why = 'gone'),
    min(seen_at) FILTER (WHERE why = 'proved')
FROM (
    SELECT ids.id AS finding_id, ids.made, n.turned, '' AS why, NULL::timestamptz AS seen_at
    FROM fresh n JOIN ids
    ON (ids.repository_id, ids.rule, ids.platform, ids.subject) = (n.repository_id, n.rule, n.platform, n.subject)
    UNION ALL SELECT finding_id, false, turned, '', NULL FROM changed
    UNION ALL SELECT finding_id, false, false, '', NULL FROM marked
    UNION ALL SELECT finding_id, false, false, why, seen_at FROM removed
) touched GROUP BY finding_id ORDER BY finding_id
"""

MATCH: Final = _IMAGES + _WANTED + _ADDED + _LOST + _TOUCHED
