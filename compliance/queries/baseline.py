"""Whether a repository keeps to "nothing new"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from compliance.access import Actor, may_set_baseline
from compliance.models import Repository


@dataclass(frozen=True, slots=True)
class Held:
    """Since when a repository is held to it, and by whom; ``at`` is ``None`` where it is not."""

    at: datetime | None
    by: str
    may_set: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """When it was set and by whom, and what is new since; ``at`` is ``None`` where there is none.

    :param address: the query of the list that ``broken`` counts, ``known_address`` that of ``known``.
    """

    at: datetime | None
    by: str
    broken: int
    known: int
    address: str
    known_address: str
    may_set: bool


def held_of(row: Repository, actor: Actor) -> Held:
    """Read a repository that was selected with who set its baseline."""
    by = row.baseline_by.get_username() if row.baseline_by else ""
    return Held(row.baseline_at, by, may_set_baseline(actor, row.team_id))


def baseline_of(held: Held, repository: str, *, new: int, known: int) -> Baseline:
    """What a repository's page says of it.

    :param repository: ``registry/name``, as filters write it.
    :param new: how many findings to be done are no part of the baseline, ``known`` how many are.
    """
    if held.at is None:
        new = known = 0
    addresses = ["?" + urlencode({"repository": repository, "is": flag}) for flag in ("new-since-baseline", "baseline")]
    return Baseline(held.at, held.by, new, known, addresses[0], addresses[1], held.may_set)
