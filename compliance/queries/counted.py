"""Numbers and tabs that link to exactly what they count."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """A number and the query string of its list; ``after`` stands behind it."""

    count: int
    address: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of a list and how many are in it; the ``key`` of the whole list is empty."""

    key: str
    label: str
    count: int
    current: bool
    href: str
