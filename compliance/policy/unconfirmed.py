"""A verdict that the registry no longer confirms: kept for a while, marked; after that it is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from compliance.policy.tag_view import TagView
from scanner.domain.verdict import Verdict


def has_lapsed(since: datetime | None, kept: timedelta, now: datetime) -> bool:
    """Whether the last known verdict no longer counts.

    :param since: the first scan the registry left unanswered; ``None`` for a confirmed tag.
    """
    return since is not None and now - since >= kept


def lapsed(view: TagView, problem: tuple[str, str, str]) -> TagView:
    """What such a tag shows: what was known of it, and that nobody knows whether it still holds."""
    return replace(view, verdict=Verdict.UNKNOWN, score=None, problem=problem)
