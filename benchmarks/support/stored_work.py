"""What people work on as rows: teams, members, ownership, findings and all that happened to them, waivers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from benchmarks.support.stored_fleet import Size, execute
from compliance.models import Membership, SavedView, Team, User

MEMBERS = 8
"""Of each team; the first leads it, and every other person is in two."""

WAIVERS = 6
"""Of each team."""

_OWNERS = """
INSERT INTO compliance_ownershiprule (position, label, pattern, team_id)
SELECT row_number() OVER (ORDER BY t.id), '', t.slug || '/*', t.id FROM compliance_team t;
UPDATE compliance_repository r SET team_id = o.team_id, team_rule_id = o.id,
    baseline_at = CASE WHEN r.id %% 9 = 0 THEN %(now)s - interval '90 days' END
FROM compliance_ownershiprule o WHERE o.pattern = split_part(r.name, '/', 1) || '/*' AND r.id %% 25 <> 0
"""

_WAIVERS = """
INSERT INTO compliance_waiver (title, rule, repository_pattern, tag_pattern, digest, team_id, accepted, reason,
    explanation, control, owner_id, created_by_id, created_at, approver_id, approved_at, expires_at, reopens,
    restarts_sla, revoked_at, revoked_by_id)
SELECT 'Waiver ' || t.id || '-' || n, (%(rules)s::text[])[1 + (n + t.id) %% array_length(%(rules)s::text[], 1)], '', '',
    '', t.id, '{}', (ARRAY['compensated', 'vendor', 'migration', 'required', 'risk'])[1 + n %% 5],
    'It is being replaced.', '', lead.id, lead.id, %(now)s - interval '40 days', CASE WHEN n > 1 THEN lead.id END,
    CASE WHEN n > 1 THEN %(now)s - interval '39 days' END,
    %(now)s + (pg_temp.dice(t.id * 10 + n, 20, 170) - CASE WHEN n = 2 THEN 30 ELSE 0 END) * interval '1 day', true,
    false, CASE WHEN n = 3 THEN %(now)s - interval '2 days' END, CASE WHEN n = 3 THEN lead.id END
FROM compliance_team t CROSS JOIN generate_series(1, %(waivers)s) n
CROSS JOIN LATERAL (SELECT m.user_id AS id FROM compliance_membership m WHERE m.team_id = t.id AND m.role = 'lead'
    ORDER BY m.id LIMIT 1) lead
"""

_BASES = """
INSERT INTO compliance_baseimage (name)
SELECT 'registry.example/base/' || (ARRAY['debian', 'alpine', 'node', 'python', 'jre', 'ubi'])[1 + n %% 6] || ':' || n
FROM generate_series(1, 300) n
"""

# Of a hundred findings: 8 new, 22 open, 8 in progress, 4 claimed, 3 regressed, 7 waived, 3 false, 45 fixed. Half of
# what is to be done is younger than 50 days; what was fixed took 30 days on average. In the order they were found in.
# Two thirds of the repositories have images that say what they were built on: one of their team's dozen.
_FINDINGS = """
INSERT INTO compliance_finding (repository_id, rule, platform, subject, rank, status, resolution, regression, baseline,
    protected, tags, assignee_id, waiver_id, first_seen_at, last_seen_at, opened_at, changed_at, closed_at, sla_from,
    due_at, due_edited, claimed_at, claimed_by_id, base_id)
SELECT f.repository_id, f.rule, f.platform, f.subject, f.rank, f.status,
    CASE WHEN f.status <> 'fixed' THEN '' WHEN f.n %% 10 = 1 THEN 'gone' WHEN f.n %% 20 = 3 THEN 'policy'
        ELSE 'proved' END,
    f.status = 'regressed' AND f.n %% 2 = 0, COALESCE(f.baseline_at > f.opened_at, false) AND f.status <> 'fixed',
    f.n %% 4 = 0,
    CASE WHEN f.status = 'fixed' THEN 0 ELSE 1 + pg_temp.dice(f.n, 9, 10) END,
    CASE WHEN pg_temp.dice(f.n, 10, 10) < 6 THEN (SELECT user_id FROM compliance_membership m
        WHERE m.team_id = f.team_id ORDER BY m.id OFFSET f.n %% %(members)s LIMIT 1) END,
    CASE WHEN f.status = 'waived' THEN (SELECT id FROM compliance_waiver w WHERE w.team_id = f.team_id
        ORDER BY w.id OFFSET 3 + f.n %% 3 LIMIT 1) END,
    f.opened_at - CASE WHEN f.n %% 7 = 0 THEN interval '120 days' ELSE interval '0' END,
    COALESCE(f.closed_at, %(now)s - interval '1 hour'), f.opened_at,
    COALESCE(f.closed_at, f.opened_at + (%(now)s - f.opened_at) * (pg_temp.dice(f.n, 11, 100) / 100.0)), f.closed_at,
    f.opened_at,
    f.opened_at + (ARRAY[14, 30, 90, 180])[f.rank + 1] * interval '1 day', f.n %% 50 = 0,
    CASE WHEN f.status = 'fix_claimed' THEN %(now)s - interval '1 day' END, NULL, f.base_id
FROM (
    SELECT k.*, CASE WHEN k.status = 'fixed' THEN k.opened_at
        + (%(now)s - k.opened_at) * least(0.999, power(pg_temp.dice(k.n, 12, 1000) / 1000.0, 2)) END AS closed_at
    FROM (
        SELECT r.id AS repository_id, r.team_id, r.baseline_at, r.id * 1000 + k AS n,
            (%(rules)s::text[])[1 + k / 2] AS rule,
            (%(ranks)s::int[])[1 + k / 2] AS rank,
            (ARRAY['linux/amd64', 'linux/arm64'])[1 + k %% 2] AS platform,
            CASE WHEN k < 8 THEN (ARRAY['', 'root', '0', 'app', 'node', 'daemon'])[
                1 + pg_temp.dice(r.id * 10 + k / 2, 13, 6)] ELSE '' END AS subject,
            CASE WHEN roll < 8 THEN 'new' WHEN roll < 30 THEN 'open' WHEN roll < 38 THEN 'in_progress'
                WHEN roll < 42 THEN 'fix_claimed' WHEN roll < 45 THEN 'regressed'
                WHEN roll < 52 AND r.team_id > 0 THEN 'waived' WHEN roll < 55 THEN 'false_positive'
                ELSE 'fixed' END AS status,
            CASE WHEN r.id %% 3 <> 0 THEN bases.ids[1 + (COALESCE(r.team_id, 0) + r.id %% 12) %% 300] END AS base_id,
            %(now)s - interval '1 hour' - (power(pg_temp.dice(r.id * 1000 + k, 14, 10000) / 10000.0,
                CASE WHEN roll < 55 THEN 3 ELSE 1.5 END)
                * CASE WHEN roll < 55 THEN 400 ELSE 700 END) * interval '1 day' AS opened_at
        FROM compliance_repository r CROSS JOIN generate_series(0, %(findings)s - 1) k
        CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM compliance_baseimage) bases
        CROSS JOIN LATERAL (SELECT pg_temp.dice(r.id * 1000 + k, 8, 100) AS roll) thrown
    ) k
) f ORDER BY f.opened_at
"""

_SPANS = """
INSERT INTO compliance_findingspan (finding_id, repository_id, rank, opened_at, closed_at, resolution, reopened, due_at)
SELECT * FROM (
    SELECT id, repository_id, rank, first_seen_at AS opened_at, first_seen_at + interval '40 days', 'proved', false,
        first_seen_at + interval '30 days'
    FROM compliance_finding WHERE first_seen_at < opened_at
    UNION ALL SELECT id, repository_id, rank, opened_at, closed_at, resolution, first_seen_at < opened_at, due_at
    FROM compliance_finding
) span ORDER BY opened_at
"""

# Found, assigned, moved, waived, and a word now and then: about three of each finding.
_EVENTS = """
INSERT INTO compliance_findingevent (finding_id, at, kind, was, became, text, by_id)
SELECT * FROM (
    SELECT id, first_seen_at AS at, 'found', '', 'new', '', NULL::bigint FROM compliance_finding
    UNION ALL SELECT f.id, f.opened_at + interval '1 hour', 'assignee', '', u.username, '', u.id
        FROM compliance_finding f JOIN compliance_user u ON u.id = f.assignee_id
    UNION ALL SELECT id, changed_at, 'status', 'new', status, '', NULL FROM compliance_finding
        WHERE status NOT IN ('new', 'waived')
    UNION ALL SELECT id, changed_at, 'waiver', '', waiver_id::text, '', assignee_id FROM compliance_finding
        WHERE waiver_id IS NOT NULL
    UNION ALL SELECT id, opened_at + interval '2 hours', 'comment', '', '', 'We look at it next week.', assignee_id
        FROM compliance_finding WHERE id %% 10 = 0
) event ORDER BY at
"""

# A tag fails for several findings: each takes its number of the failing tags from another place on.
_OCCURRENCES = """
INSERT INTO compliance_occurrence (finding_id, tag_id, image_id, decides, proved, rank, regression, since)
SELECT f.id, t.id, t.image_id, true, true, f.rank, f.regression, f.opened_at
FROM compliance_finding f JOIN (
    SELECT id, image_id, repository_id, row_number() OVER part AS at, count(*) OVER whole AS n
    FROM compliance_tag WHERE verdict = 'fail'
    WINDOW part AS (PARTITION BY repository_id ORDER BY id), whole AS (PARTITION BY repository_id)
) t ON t.repository_id = f.repository_id AND (t.at + f.id) %% t.n < f.tags
WHERE f.status <> 'fixed'
"""

RULES = ("NR101", "NR102", "NR103", "NR108", "NR201", "NR202", "NR301", "NR305", "NR401", "NR503")
RANKS = (0, 0, 0, 3, 1, 1, 2, 2, 3, 2)


def fill_work(size: Size, *, now: datetime) -> None:
    """Write teams with people, owned repositories, findings of every status and age, waivers."""
    _people(size, now)
    values: dict[str, Any] = {
        "now": now,
        "findings": min(size.findings, 2 * len(RULES)),
        "rules": list(RULES),
        "ranks": list(RANKS),
        "members": MEMBERS,
        "waivers": WAIVERS,
    }
    execute((_OWNERS, _WAIVERS, _BASES, _FINDINGS, _SPANS, _EVENTS, _OCCURRENCES), values)


def _people(size: Size, now: datetime) -> None:
    teams = Team.objects.bulk_create(
        Team(slug=f"team{at}", name=f"Team {at}", description="Builds services.", created_at=now)
        for at in range(size.teams)
    )
    people = User.objects.bulk_create(
        User(username=f"person{at}", first_name="Pat", last_name=str(at), password="!", role="member", last_login=now)
        for at in range(size.teams * (MEMBERS - MEMBERS // 4))
    )
    roles = ("lead", "triager", "triager", "viewer")
    Membership.objects.bulk_create(
        Membership(team=team, user=people[(at * (MEMBERS - MEMBERS // 4) + n) % len(people)], role=roles[n % 4])
        for at, team in enumerate(teams)
        for n in range(MEMBERS)
    )
    SavedView.objects.bulk_create(
        SavedView(name=f"View {at}", query=f"rule={RULES[at % 10]}&due=overdue", by=people[0], shared=True)
        for at in range(10)
    )
