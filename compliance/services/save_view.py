"""Queries of the inbox under names."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from compliance.models import AuditAction, SavedView, Team, User
from compliance.services.record_audit import audit

MOST_VIEWS: Final = 30
"""One person's; each is a tab."""
LONGEST_NAME: Final = 80
LONGEST_QUERY: Final = 1_000


class CannotSave(ValueError):
    """Why a view is not kept, in words for whoever asked."""


def save_view(name: str, query: str, *, by: User, shared: bool, team: Team | None = None) -> SavedView:
    """Keep a query, or what a name of one's own stands for.

    :param team: whom it is shared with, if not with all who work with its owner.
    :raises CannotSave: in words.
    """
    if not name:
        raise CannotSave("Give the view a name.")
    if len(name) > LONGEST_NAME:
        raise CannotSave(f"The name has more than {LONGEST_NAME} characters.")
    if len(query) > LONGEST_QUERY:
        raise CannotSave("That is too much to keep. Choose findings by what they have in common.")
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=by.pk)  # two clicks are counted one by one
        others = SavedView.objects.filter(by=by).exclude(name=name)
        if others.count() >= MOST_VIEWS:
            raise CannotSave(f"You have {MOST_VIEWS} views. Delete one first.")
        said = {"query": query, "shared": shared, "team": team if shared else None}
        view, _ = SavedView.objects.update_or_create(by=by, name=name, defaults=said)
    return view


def delete_view(view_id: int, *, by: User, now: datetime) -> None:
    """Take a view from all who see it; that a shared one is gone is in the audit trail, with what it asked for."""
    with transaction.atomic():
        rows = SavedView.objects.select_related("by", "team").select_for_update(of=("self",))
        view = rows.filter(pk=view_id).first()
        if view is None:
            return  # somebody else has just deleted it
        if view.shared:
            with_whom = view.team.name if view.team else "everybody"
            said: dict[str, object] = {"owner": view.by.get_username(), "shared with": with_whom, "query": view.query}
            audit(AuditAction.VIEW_DELETED, view, by=by, now=now, name=view.name, details=said)
        view.delete()
