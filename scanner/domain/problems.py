"""Everything that can keep an image from being judged, as a tree of exceptions.

::

    ScanProblem                 a code for machines, a sentence for people, what to do next
    ├── ImageProblem            the bytes are at fault; asking again cannot help
    │   └── LimitExceeded       one named limit of ``limits.Limits`` was passed
    └── SourceProblem           the registry, the network or the credential is at fault
        ├── Unavailable         temporary: trying again later can help
        └── Refused             permanent until somebody changes something

The code is stored, shown and counted, so it never changes its meaning. The verdict of an image with a problem is
*unknown*, never *pass*.
"""

from __future__ import annotations

from typing import ClassVar, Self


class ScanProblem(Exception):
    """One cause, named.

    :param code: kebab-case and stable, for example ``bad-tar``.
    :param message: what happened, in one sentence, without secrets.
    :param remedy: what a person can do about it.
    """

    permanent: ClassVar[bool] = True

    def __init__(self, code: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        return (_revive, (type(self), self.code, self.message, self.remedy))


def _revive(kind: type[ScanProblem], code: str, message: str, remedy: str) -> ScanProblem:
    problem = kind.__new__(kind)
    ScanProblem.__init__(problem, code, message, remedy=remedy)
    return problem


class ImageProblem(ScanProblem):
    """The image itself is malformed, hostile, or of a form nobody can run."""


class LimitExceeded(ImageProblem):
    """A limit was passed; the message names it, so that an operator can raise it.

    :param allowed: the limit's value; ``None`` on a copy that came through pickle.
    """

    allowed: float | None = None

    def __init__(self, limit: str, allowed: float, found: float | str, *, subject: str) -> None:
        super().__init__(
            f"limit-{limit.replace('_', '-')}",
            f"{subject}: {found} is more than {limit} allows ({allowed})",
            remedy=f"If this image is meant to be like this, raise PLIMSOLL_{limit.upper()}.",
        )
        self.allowed = allowed

    @classmethod
    def restored(cls, code: str, message: str, *, remedy: str, allowed: float) -> Self:
        """One that was met elsewhere and is told in the words used there."""
        problem = cls.__new__(cls)
        ScanProblem.__init__(problem, code, message, remedy=remedy)
        problem.allowed = allowed
        return problem


_CHILD_LIMITS = {
    "scanner-memory": "child_memory_bytes",
    "scanner-cpu": "child_cpu_seconds",
    "scanner-time": "child_seconds",
}


def limit_named_by(code: str) -> str | None:
    """The field of ``Limits`` that a ``LimitExceeded`` of this code passed; ``None`` for other codes."""
    if code.startswith("limit-"):
        return code.removeprefix("limit-").replace("-", "_")
    return _CHILD_LIMITS.get(code)


class SourceProblem(ScanProblem):
    """Where the image comes from did not give it to us."""


class Unavailable(SourceProblem):
    """A passing fault: time-out, reset, 5xx, 429.

    :param retry_after: seconds the source asked us to wait, where it did.
    """

    permanent = False

    def __init__(self, code: str, message: str, *, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, message, remedy=remedy)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        return (_revive_unavailable, (self.code, self.message, self.remedy, self.retry_after))


def _revive_unavailable(code: str, message: str, remedy: str, retry_after: float | None) -> Unavailable:
    return Unavailable(code, message, remedy=remedy, retry_after=retry_after)


class Refused(SourceProblem):
    """An answer that will not change by itself: denied, not found, forbidden address, broken protocol."""
