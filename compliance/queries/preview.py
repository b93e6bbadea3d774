"""What a changed policy would do to the tags it judges, before anybody saves it: nothing is written or asked.

Work is done for each different outline, and for each different set of outlines below an index; Postgres spreads the
answers over the tags.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Sum

from compliance.models import Image, Outline, Policy, Repository
from compliance.policy.document import check_document, read_policy
from compliance.policy.tag_view import ImageView, summary, tag_view
from compliance.policy.weighing import because, deciding, weigh
from compliance.queries.paging import Paging, page_of
from scanner.across import compare
from scanner.domain.policy import Policy as PolicyValue
from scanner.domain.verdict import Verdict
from scanner.judge import Applied
from scanner.rulebook import RULES


@dataclass(frozen=True, slots=True)
class Flip:
    """A tag that would get another verdict.

    :param because: ids of the rules that decide it.
    """

    registry_slug: str
    registry: str
    repository: str
    tag: str
    was: str
    becomes: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlipCount:
    """How many tags would go from one verdict to another."""

    was: str
    becomes: str
    tags: int


@dataclass(frozen=True, slots=True)
class Preview:
    """``tags`` is how many the policy judges; ``rows`` is one page of those that would flip.

    :param unknown: how many tags would be unknown then.
    """

    tags: int
    unknown: int
    counts: tuple[FlipCount, ...]
    rows: tuple[Flip, ...]
    paging: Paging

    @property
    def flips(self) -> int:
        """How many tags would get another verdict."""
        return sum(count.tags for count in self.counts)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What would become of everything that leads to one outline, or to one index."""

    becomes: str
    because: str


# A tag that lapsed stays unknown under every policy.
_FLIPS = """
FROM (
    SELECT t.repository_id, t.name, t.verdict AS was, f.becomes, f.because
    FROM unnest(%(outlines)s::bigint[], %(outlines_become)s::text[], %(outlines_because)s::text[])
        AS f(id, becomes, because)
    JOIN compliance_image i ON i.outline_id = f.id
    JOIN compliance_tag t ON t.image_id = i.id
    WHERE t.deleted_at IS NULL AND t.verdict <> f.becomes
        AND (t.unconfirmed_since IS NULL OR t.unconfirmed_since > %(lapsed_before)s)
    UNION ALL
    SELECT t.repository_id, t.name, t.verdict, f.becomes, f.because
    FROM unnest(%(indexes)s::bigint[], %(indexes_become)s::text[], %(indexes_because)s::text[])
        AS f(id, becomes, because)
    JOIN compliance_tag t ON t.index_id = f.id
    WHERE t.deleted_at IS NULL AND t.verdict <> f.becomes
        AND (t.unconfirmed_since IS NULL OR t.unconfirmed_since > %(lapsed_before)s)
) flip
JOIN compliance_repository r ON r.id = flip.repository_id AND r.policy_id = %(policy)s AND r.deleted_at IS NULL
    AND (%(within)s::bigint[] IS NULL OR r.id = ANY(%(within)s))
JOIN compliance_registry g ON g.id = r.registry_id
"""
_COUNTS = f"SELECT was, becomes, count(*) {_FLIPS} GROUP BY was, becomes ORDER BY was, becomes"  # ours
_ROWS = f"""
SELECT g.slug, g.name, r.name, flip.name, was, becomes, because {_FLIPS}
ORDER BY g.name, r.name, flip.name LIMIT %(size)s OFFSET %(offset)s
"""  # made of the constants above

_SETS = """
SELECT outlines, array_agg(index_id) FROM (
    SELECT c.index_id, jsonb_agg(DISTINCT jsonb_build_array(i.outline_id, i.identity))::text AS outlines
    FROM compliance_indeximage c JOIN compliance_image i ON i.id = c.image_id
    WHERE i.outline_id IS NOT NULL AND c.index_id IN ({which})
    GROUP BY c.index_id
) sets GROUP BY outlines
"""
_ALL = "SELECT index_id FROM compliance_tag WHERE index_id IS NOT NULL AND deleted_at IS NULL"
_TOUCHED = """
SELECT c.index_id FROM compliance_indeximage c JOIN compliance_image i ON i.id = c.image_id
WHERE i.outline_id = ANY(%(outlines)s)
"""


def preview_policy(policy: Policy, document: Mapping[str, Any], *, page: str = "", lapsed_before: datetime) -> Preview:
    """Which tags would flip if this document were saved.

    :param lapsed_before: tags not confirmed since then are unknown under every policy.
    :raises InvalidPolicy: when the document does not say what a policy says.
    """
    after = check_document({**document, "name": policy.name})
    before = read_policy(policy.current.document) if policy.current is not None else after
    return _preview(before, after, {"policy": policy.pk, "within": None, "lapsed_before": lapsed_before}, page)


def preview_move(
    before: Policy, after: Policy, repositories: Sequence[int], *, page: str = "", lapsed_before: datetime
) -> Preview:
    """Which tags would flip if these repositories of one policy were judged by another one; both have a version."""
    was, becomes = (read_policy(policy.current.document) for policy in (before, after) if policy.current is not None)
    values = {"policy": before.pk, "within": list(repositories), "lapsed_before": lapsed_before}
    return _preview(was, becomes, values, page)


def _preview(before: PolicyValue, after: PolicyValue, chosen: Mapping[str, Any], page: str) -> Preview:
    values = {**_turns(before, after), **chosen}
    rows_judged = Repository.objects.listed().filter(policy=chosen["policy"])
    if chosen["within"] is not None:
        rows_judged = rows_judged.filter(pk__in=chosen["within"])
    judged = rows_judged.aggregate(tags=Sum("tags_total", default=0), unsure=Sum("unknown", default=0))
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        counts = tuple(FlipCount(*row) for row in cursor.fetchall())
        paging = page_of(page, sum(count.tags for count in counts))
        cursor.execute(_ROWS, {**values, "size": paging.size, "offset": paging.offset})
        rows = tuple(_flip(row) for row in cursor.fetchall())
    unknown = judged["unsure"] + sum(_gain(count) for count in counts)
    return Preview(judged["tags"], unknown, counts, rows, paging)


def _gain(count: FlipCount) -> int:
    """How many more tags are unknown by these flips."""
    return count.tags * ((count.becomes == Verdict.UNKNOWN) - (count.was == Verdict.UNKNOWN))


def _flip(row: Sequence[str]) -> Flip:
    *columns, rules = row
    slug, registry, repository, tag, was, becomes = columns
    return Flip(slug, registry, repository, tag, was, becomes, tuple(filter(None, rules.split(","))))


def _turns(before: PolicyValue, after: PolicyValue) -> dict[str, Any]:
    """What becomes of outlines and indexes, as columns."""
    used = Outline.objects.filter(Exists(Image.objects.filter(outline=OuterRef("pk"))))
    weighed = {pk: (weigh(before, text), weigh(after, text)) for pk, text in used.values_list("pk", "text")}
    outlines = {pk: _turn(*both) for pk, both in weighed.items() if both[0].verdict is not both[1].verdict}
    # Any other treatment of a rule about indexes may flip any of them; else only those with a child that flips may.
    which = _TOUCHED if _compares_alike(before, after) else _ALL
    indexes: dict[int, _Turn] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SETS.format(which=which), {"outlines": list(outlines)})
        for children, ids in cursor.fetchall():
            turn = _turn_of_index(json.loads(children), weighed, before, after)
            if turn is not None:
                indexes.update(dict.fromkeys(ids, turn))
    return {**_columns("outlines", outlines), **_columns("indexes", indexes)}


def _turn(before: Applied, after: Applied) -> _Turn:
    was = deciding(before.verdict, before.failed_on, before.unsure_of)
    becomes = deciding(after.verdict, after.failed_on, after.unsure_of)
    return _Turn(after.verdict.value, ",".join(because(was, becomes)))


def _turn_of_index(
    children: Sequence[tuple[int, str]],
    weighed: Mapping[int, tuple[Applied, Applied]],
    before: PolicyValue,
    after: PolicyValue,
) -> _Turn | None:
    known = [(weighed[outline], identity) for outline, identity in children if outline in weighed]
    was = _of_index([(both[0], identity) for both, identity in known], before)
    becomes = _of_index([(both[1], identity) for both, identity in known], after)
    if was[0] is becomes[0]:
        return None
    return _Turn(becomes[0].value, ",".join(because(was[1], becomes[1])))


def _of_index(children: Iterable[tuple[Applied, str]], policy: PolicyValue) -> tuple[Verdict, frozenset[str]]:
    """The verdict, and the rules that decide it."""
    seen = list(children)
    views = [
        ImageView("", "", applied.verdict, applied.score, "", applied.violated, 0, identity=identity)
        for applied, identity in seen
    ]
    verdict = tag_view(views, policy).verdict
    rules = set(compare([summary(view) for view in views], policy).deciding(verdict))
    for applied, _ in seen:
        if applied.verdict is verdict:
            rules |= deciding(verdict, applied.failed_on, applied.unsure_of)
    return verdict, frozenset(rules)


def _compares_alike(before: PolicyValue, after: PolicyValue) -> bool:
    rules = [rule for rule in RULES if rule.across is not None]
    settings_alike = all(before.setting(rule.id) == after.setting(rule.id) for rule in rules)
    return settings_alike and before.fails_at is after.fails_at


def _columns(name: str, turns: Mapping[int, _Turn]) -> dict[str, list[Any]]:
    return {
        name: list(turns),
        f"{name}_become": [turn.becomes for turn in turns.values()],
        f"{name}_because": [turn.because for turn in turns.values()],
    }
