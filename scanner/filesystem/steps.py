"""A bound on walking: 40 links of 2,000 components each are a long way, and one tree can hold a million of them."""

from __future__ import annotations

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded


class Steps:
    """Counts the components of paths that were looked at, in one layer or in all layers of one image together."""

    __slots__ = ("_allowed", "_taken")

    def __init__(self, limits: Limits) -> None:
        self._allowed = limits.path_steps
        self._taken = 0

    def spend(self, count: int) -> None:
        """Go on by so many.

        :raises LimitExceeded: ``path_steps``.
        """
        self._taken += count
        if self._taken > self._allowed:
            raise LimitExceeded("path_steps", self._allowed, "more", subject="steps along paths and links")
