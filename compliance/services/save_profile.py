"""What somebody changed about themselves."""

from __future__ import annotations

from compliance.models import User


def save_profile(person: User, *, first_name: str, last_name: str, time_zone: str, shortcuts: bool) -> None:
    """Keep it; nothing here touches what somebody may do, or whether their sessions go on."""
    User.objects.filter(pk=person.pk).update(
        first_name=first_name, last_name=last_name, time_zone=time_zone, shortcuts=shortcuts
    )
