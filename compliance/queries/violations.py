"""How many tags violate a rule now, of all that somebody sees or of those among them that one policy judges."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from compliance.access import Actor
from compliance.queries.tags import MOST_COUNTED

# Counted no further than needed to say "more than", which the ORM cannot do in one query. The rule stands in each part
# as a constant: only then does Postgres know whether it is common (read on until enough) or rare (use the index).
_COUNT = """
(SELECT %s, (SELECT count(*) FROM (
  SELECT 1 FROM compliance_tag tag JOIN compliance_repository repository ON repository.id = tag.repository_id
  WHERE tag.deleted_at IS NULL AND repository.deleted_at IS NULL AND tag.violated @> %s::jsonb {narrowed} LIMIT %s
) AS found))
"""
# Of most repositories Postgres, which takes rules and policies for independent, would read every tag to find out that a
# rule is violated in others only.
_APART = """
WITH apart AS MATERIALIZED (
  SELECT id FROM compliance_repository WHERE deleted_at IS NOT NULL OR policy_id IS DISTINCT FROM %s
)
"""
_COUNT_OF_MOST = """
(SELECT %s, (SELECT count(*) FROM (
  SELECT 1 FROM compliance_tag tag
  WHERE deleted_at IS NULL AND violated @> %s::jsonb AND repository_id NOT IN (SELECT id FROM apart) LIMIT %s
) AS found))
"""
_JUDGED = "AND repository.policy_id = %s"
_SEEN = "AND repository.team_id = ANY(%s)"


MOST_OF_EACH = 1_000
"""How far a page that counts every rule counts each: forty counts of ten thousand take longer than a page may."""


@dataclass(frozen=True, slots=True)
class Violations:
    """How many tags violate a rule; ``capped`` where there are more than were counted."""

    count: int
    capped: bool = False


def count_violations(
    rules: Iterable[str], actor: Actor, policy: int | None = None, *, most: int = MOST_COUNTED
) -> dict[str, Violations]:
    """Count with one query among the tags that somebody may see.

    :param policy: the id of a policy whose repositories alone count.
    """
    narrowed: list[tuple[str, Any]] = [] if policy is None else [(_JUDGED, policy)]
    if not actor.sees_everything:
        narrowed.append((_SEEN, list(actor.team_ids)))
    query = _COUNT.format(narrowed=" ".join(words for words, _ in narrowed))
    return _count(query, rules, [value for _, value in narrowed], most)


def count_in_most(rules: Iterable[str], policy: int, *, most: int = MOST_COUNTED) -> dict[str, Violations]:
    """The same for who sees everything, quick where a policy judges most of all repositories."""
    return _count(_COUNT_OF_MOST, rules, [], most, first=(_APART, policy))


def _count(
    query: str, rules: Iterable[str], narrowed: list[Any], most: int, first: tuple[str, int] | None = None
) -> dict[str, Violations]:
    parts = [(rule, json.dumps([rule]), *narrowed, most + 1) for rule in rules]
    before, values = ("", []) if first is None else (first[0], [first[1]])
    with connection.cursor() as cursor:
        cursor.execute(
            before + " UNION ALL ".join([query] * len(parts)),
            values + [value for part in parts for value in part],
        )
        return {rule: Violations(min(count, most), count > most) for rule, count in cursor.fetchall()}
