"""What a platform would say to an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["admit", "refuse", "unknown"]


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """An answer in the platform's own words.

    :param message: why, without the names of a pod and a container, which an image does not have.
    """

    answer: Verdict
    message: str
