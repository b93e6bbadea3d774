"""Which columns of lists somebody looks at, and how close the rows stand: theirs alone, kept apart from filters."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from compliance.models import Density, User
from compliance.queries.columns import HIDDEN_AT_FIRST, LISTS


def choose_columns(person: User, name: str, shown: Collection[str]) -> None:
    """Show these columns of a list and hide the others; names that the list does not have are ignored."""
    hidden = [key for key in LISTS[name] if key not in shown]
    with transaction.atomic():
        rows = User.objects.filter(pk=person.pk)
        # Held: two windows may each change a list of their own.
        lists = rows.select_for_update(of=("self",), no_key=True).values_list("hidden_columns", flat=True).get()
        chosen = {**lists, name: hidden}
        # What a list hides anyway is not kept, so that it follows where a later release hides something else.
        kept = {key: each for key, each in chosen.items() if set(each) != HIDDEN_AT_FIRST.get(key, set())}
        rows.update(hidden_columns=kept)


def show_all_columns(person: User) -> None:
    """Show every column of every list."""
    User.objects.filter(pk=person.pk).update(hidden_columns={name: [] for name in HIDDEN_AT_FIRST})


def choose_density(person: User, density: Density) -> None:
    """Let the rows of all lists stand like that."""
    User.objects.filter(pk=person.pk).update(density=density)
