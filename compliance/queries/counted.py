"""Numbers that link to exactly what they count."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """A number and the query string of its list; ``after`` stands behind it."""

    count: int
    address: str
    after: str = ""
