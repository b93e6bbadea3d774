"""The life of a finding. Only a scan says *fixed* or *regressed*; people say the rest."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a finding stands; one at a time."""

    NEW = "new"
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    FIX_CLAIMED = "fix_claimed"
    REGRESSED = "regressed"
    WAIVED = "waived"
    FALSE_POSITIVE = "false_positive"
    FIXED = "fixed"


TO_DO: Final = frozenset({Status.NEW, Status.OPEN, Status.IN_PROGRESS, Status.FIX_CLAIMED, Status.REGRESSED})
"""Somebody has to do something: what boards call *open*."""

SAID_BY_PEOPLE: Final = frozenset({Status.OPEN, Status.IN_PROGRESS, Status.FIX_CLAIMED, Status.FALSE_POSITIVE})
"""What a person may set. *Waived* takes a waiver."""


class Resolution(StrEnum):
    """Why a finding is *fixed*: a scan proved it, the last tag with it is gone, or no policy asks any more."""

    NONE = ""
    PROVED = "proved"
    GONE = "gone"
    POLICY = "policy"
