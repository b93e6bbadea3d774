"""What is said of a layer whose child did not come back with an answer."""

from __future__ import annotations

from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem, LimitExceeded, Unavailable


class ChildDied(Exception):
    """The child ended without a limit of ours being met: once may be chance, so the layer deserves another try."""


class ChildCrashed(ChildDied, ImageProblem):
    """It crashed over this layer's bytes."""


class ChildLost(ChildDied, Unavailable):
    """It was ended from outside, which says nothing about the layer."""


def out_of_memory(subject: str, limits: Limits) -> LimitExceeded:
    """The child met ``child_memory_bytes``."""
    return _limit("scanner-memory", "memory", "child_memory_bytes", limits.child_memory_bytes, subject)


def out_of_processor_time(subject: str, limits: Limits) -> LimitExceeded:
    """The child met ``child_cpu_seconds``."""
    return _limit("scanner-cpu", "processor time", "child_cpu_seconds", limits.child_cpu_seconds, subject)


def out_of_time(subject: str, limits: Limits) -> LimitExceeded:
    """The child met ``child_seconds``."""
    return _limit("scanner-time", "time", "child_seconds", limits.child_seconds, subject)


def _limit(code: str, what: str, limit: str, allowed: float, subject: str) -> LimitExceeded:
    return LimitExceeded.restored(
        code,
        f"{subject}: reading it takes more {what} than {limit} allows ({allowed})",
        remedy=f"If this image is meant to be like this, raise PLIMSOLL_{limit.upper()}.",
        allowed=allowed,
    )


def crashed(subject: str, how: str) -> ChildCrashed:
    """The child ended by a signal, or without an answer that makes sense."""
    return ChildCrashed(
        "scanner-crash",
        f"{subject}: reading it ended the process that reads layers: {how}",
        remedy="Please report it with the image, if you can. What is known of the image's other layers is kept.",
    )


def killed(subject: str) -> ChildLost:
    """The child was killed from outside; the kernel does so where memory runs out."""
    return ChildLost(
        "scanner-memory",
        f"{subject}: the process that reads it was killed, most likely because the machine ran out of memory",
        remedy="Give the worker more memory, or lower PLIMSOLL_SCAN_CONNECTIONS or PLIMSOLL_CHILD_MEMORY_BYTES.",
    )


def lost(subject: str, why: str = "the process it came from ended") -> ChildLost:
    """There is no child, or no word from it."""
    return ChildLost("scanner-lost", f"{subject}: no process to read it in: {why}", remedy="The next scan tries again.")
