"""Make, describe and delete teams."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify

from compliance.models import Channel, Finding, Repository, Team, User, Waiver
from compliance.services.apply_waivers import apply_and_count
from compliance.services.assign_owners import assign_owners, hold_repositories, lock_ownership

_LONGEST_SLUG = 60


def create_team(name: str, description: str, *, now: datetime) -> Team:
    """Make a team; its slug is its name in small letters, and never changes."""
    return Team.objects.create(slug=_free_slug(name), name=name, description=description, created_at=now)


def delete_team(team: Team, *, by: User, now: datetime) -> None:
    """Delete a team with its rules and waivers: its repositories fall to other rules, or to nobody.

    What its waivers covered is to be worked on again.
    """
    with transaction.atomic():
        lock_ownership()
        # Before repositories, as whoever decides over a waiver holds them.
        held = Waiver.objects.filter(team=team).order_by("pk").select_for_update(no_key=True, of=("self",))
        list(held.values_list("pk"))
        hold_repositories(Repository.objects.filter(Q(team=team) | Q(team_pinned=False)))
        _end_waivers(team, by, now)
        Repository.objects.filter(team=team).update(team_pinned=False)
        # What is being told to them is written before they go, or there would be rows of channels that are not there.
        list(Channel.objects.filter(team=team).order_by("pk").select_for_update().values_list("pk"))
        team.delete()
        assign_owners(now=now, by=by)


def _end_waivers(team: Team, by: User, now: datetime) -> None:
    waivers = Waiver.objects.filter(team=team)
    waivers.filter(revoked_at=None).update(revoked_at=now, revoked_by=by)
    covered = Finding.objects.filter(waiver__in=waivers).order_by("pk")
    if ids := list(covered.values_list("pk", flat=True)):
        apply_and_count(ids, now=now, by=by)


def _free_slug(name: str) -> str:
    wanted = slugify(name)[:_LONGEST_SLUG].strip("-_") or "team"
    taken = set(Team.objects.filter(slug__startswith=wanted[:50]).values_list("slug", flat=True))
    return next(
        slug for at in count(1) if (slug := wanted if at == 1 else f"{wanted[: _LONGEST_SLUG - 7]}-{at}") not in taken
    )
