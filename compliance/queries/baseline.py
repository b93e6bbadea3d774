"""Whether a repository keeps to "nothing new"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from compliance.access import Actor, may_set_baseline
from compliance.models import Repository
from compliance.queries.findings import select_findings


@dataclass(frozen=True, slots=True)
class Baseline:
    """When it was set and by whom, and what is new since; ``at`` is ``None`` where there is none.

    :param address: the query of the list that ``broken`` and ``known`` count.
    """

    at: datetime | None
    by: str
    broken: int
    known: int
    address: str
    known_address: str
    may_set: bool


def baseline_of(repository_id: int, slug: str, name: str, actor: Actor, *, now: datetime) -> Baseline:
    """What a repository's page says of it."""
    row = Repository.objects.filter(pk=repository_id).values_list("baseline_at", "baseline_by__username", "team_id")
    at, by, team = row.get()
    new = {"repository": f"{slug}/{name}", "is": "new-since-baseline"}
    known = {**new, "is": "baseline"}
    counts = [select_findings(each, actor, now=now).count() if at else 0 for each in (new, known)]
    may_set = may_set_baseline(actor, team)
    return Baseline(at, by or "", counts[0], counts[1], f"?{urlencode(new)}", f"?{urlencode(known)}", may_set)
