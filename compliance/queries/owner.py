"""Who owns a repository, why, and what its labels say of where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.access import Actor, may_give_repository
from compliance.models import Repository
from compliance.policy.ownership import COMMON_LABELS


@dataclass(frozen=True, slots=True)
class Owner:
    """What the head of a repository's page says; an empty ``team`` is nobody.

    :param rule: the pattern of the rule that decides, unless a person said so: then it is ``pinned``.
    :param labels: the common ones, by the last part of their names.
    :param changeable: whether the reader may say otherwise.
    """

    team_slug: str
    team: str
    pinned: bool
    rule: str
    labels: tuple[tuple[str, str], ...]
    changeable: bool


def owner_of(row: Repository, actor: Actor) -> Owner:
    """Read a repository that was selected with its team and rule."""
    labels = row.labels
    return Owner(
        team_slug=row.team.slug if row.team else "",
        team=row.team.name if row.team else "",
        pinned=row.team_pinned,
        rule=row.team_rule.pattern if row.team_rule else "",
        labels=tuple((key.rpartition(".")[2], labels[key]) for key in COMMON_LABELS if key in labels),
        changeable=may_give_repository(actor, row.team_id, None),
    )
