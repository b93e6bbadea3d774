"""How long things are kept that are forgotten after a while: as administrators chose, or as the environment says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from compliance.models import Retention

_A_CENTURY: Final = 36_500


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whole days that administrators chose for events of registries and for messages; ``None`` where they did not."""

    events: int | None = None
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class Days:
    """What counts, in whole days."""

    events: int
    messages: int

    def events_before(self, now: datetime) -> datetime:
        """Events that came before this moment are forgotten."""
        return now - timedelta(days=self.events)

    def messages_before(self, now: datetime) -> datetime:
        """Messages that ended before this moment are forgotten."""
        return now - timedelta(days=self.messages)


def chosen_days() -> Chosen:
    """What administrators chose."""
    row = Retention.objects.filter(pk=1).values_list("event_days", "message_days").first()
    return Chosen(*row) if row else Chosen()


def in_force(chosen: Chosen) -> Days:
    """What a choice comes to where the environment says the rest."""
    default = min(settings.EVENT_DAYS, _A_CENTURY)
    return Days(
        default if chosen.events is None else chosen.events,
        default if chosen.messages is None else chosen.messages,
    )


def days_kept() -> Days:
    """What counts now."""
    return in_force(chosen_days())
