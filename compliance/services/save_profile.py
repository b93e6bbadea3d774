"""What somebody changed about themselves."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from compliance.models import User
from compliance.services.tell_the_week import tell_who_moved


def save_profile(
    person: User, *, first_name: str, last_name: str, time_zone: str, shortcuts: bool, now: datetime
) -> None:
    """Keep it; nothing here touches what somebody may do, or whether their sessions go on."""
    with transaction.atomic():
        row = User.objects.select_for_update(no_key=True).get(pk=person.pk)  # two moves are told of one by one
        was, row.time_zone = row.time_zone, time_zone
        row.first_name, row.last_name, row.shortcuts = first_name, last_name, shortcuts
        row.save(update_fields=["first_name", "last_name", "time_zone", "shortcuts"])
        if was != time_zone:
            tell_who_moved(row, was, now)
