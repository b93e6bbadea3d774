"""Begin and end to hear of one repository, whosever it is."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from compliance.models import Repository, User, Watch

MOST_WATCHED: Final = 100
"""By one person: whoever wants to hear of more chooses the news of all they may see."""


class TooManyWatched(Exception):
    """Somebody watches as many as one may; the message says so to a person."""


def watch(repository_id: int, *, by: User, now: datetime) -> bool:
    """Have somebody hear of a repository; whether they did not before. The caller has asked whether they may see it.

    :raises TooManyWatched: when they watch enough.
    """
    with transaction.atomic():
        # One at a time for each person, or two requests at once would both find room.
        User.objects.select_for_update().filter(pk=by.pk).values_list("pk").first()
        mine = Watch.objects.filter(user=by.pk)
        if mine.filter(repository=repository_id).exists():
            return False
        if mine.filter(repository__in=Repository.objects.for_user(by.actor)).count() >= MOST_WATCHED:
            raise TooManyWatched(f"One person watches {MOST_WATCHED} repositories; end some of it first.")
        Watch.objects.create(user_id=by.pk, repository_id=repository_id, since=now)
    return True


def unwatch(repository_id: int, *, by: User) -> bool:
    """End it; whether they watched it. What waits to be sent about it is not sent any more."""
    return Watch.objects.filter(user=by.pk, repository=repository_id).delete()[0] > 0
