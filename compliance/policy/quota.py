"""What a registry says of the pulls it still allows, and when to stop before there are none left.

Docker Hub counts GETs of manifests, one per platform, and not HEADs (its documentation, "Usage and limits: pulls").
Whoever works from the same address or account shares the quota with us, so some of it is left to them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_LIMIT = re.compile(r"([0-9]{1,9})(?:;w=([0-9]{1,9}))?", re.ASCII)
_LEFT_AT_LEAST = 5
_LEFT_OF_ALL = 10
_SHORTEST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_SOURCE = 100


@dataclass(frozen=True, slots=True)
class Quota:
    """Pulls.

    :param source: whose they are, in the registry's words: an address or an account.
    """

    limit: int | None
    remaining: int
    window_seconds: int | None = None
    source: str = ""

    @property
    def kept(self) -> int:
        """What is left to others: a tenth, but at least five."""
        return max(_LEFT_AT_LEAST, -(-(self.limit or 0) // _LEFT_OF_ALL))

    @property
    def is_low(self) -> bool:
        """Whether we are to stop."""
        return self.remaining <= self.kept

    @property
    def wait(self) -> timedelta:
        """How long to stop for: a sixth of the window, in which pulls come back, but at most an hour."""
        share = timedelta(seconds=(self.window_seconds or 0) / 6)
        return min(max(share, _SHORTEST_WAIT), _LONGEST_WAIT)


def read_quota(headers: Mapping[str, str]) -> Quota | None:
    """Read ``ratelimit-limit: 100;w=21600`` and its like; ``None`` where they say nothing that can be understood."""
    named = {name.lower(): value for name, value in headers.items()}
    remaining = _LIMIT.fullmatch(named.get("ratelimit-remaining", "").strip(" "))
    limit = _LIMIT.fullmatch(named.get("ratelimit-limit", "").strip(" "))
    if remaining is None:
        return None
    window = remaining[2] or (limit[2] if limit else None)
    source = "".join(char for char in named.get("docker-ratelimit-source", "") if " " < char <= "~")
    return Quota(
        limit=int(limit[1]) if limit else None,
        remaining=int(remaining[1]),
        window_seconds=int(window) if window else None,
        source=source[:_LONGEST_SOURCE],
    )
