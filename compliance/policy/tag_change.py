"""What happened to a tag between two scans: values in, a change out.

A tag *begins to fail* once and goes on failing through any *unknown* in between, so that an outage of the registry
counts neither as a fix nor, when it is over, as a new failure. Only a verdict that says so ends it, or deletion.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scanner.domain.verdict import Verdict


class Kind(StrEnum):
    """The values of ``TagChange.Kind``."""

    CREATED = "created"
    MOVED = "moved"
    DELETED = "deleted"
    RETURNED = "returned"
    REJUDGED = "rejudged"


@dataclass(frozen=True, slots=True)
class TagState:
    """What is known of a tag at one time; ``digest`` is empty where the registry gave none."""

    digest: str
    verdict: Verdict
    failing_since: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """``new`` says that the tag began to fail, ``fixed`` that it stopped, ``regressed`` that it passed until then."""

    kind: Kind
    from_digest: str
    to_digest: str
    was: Verdict | None
    became: Verdict | None
    new: bool = False
    fixed: bool = False

    @property
    def regressed(self) -> bool:
        """Whether it passed before and fails now."""
        return self.new and self.was is Verdict.PASS


def what_happened(before: TagState | None, digest: str, verdict: Verdict) -> Change | None:
    """Compare a tag with what it was; ``None`` when nothing changed.

    :param before: ``None`` for a tag nobody has seen.
    :param digest: what it points to now.
    """
    kind = _kind(before, digest, verdict)
    if kind is None:
        return None
    since = before.failing_since if before and not before.deleted else None
    stopped = verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return Change(
        kind,
        from_digest=before.digest if before else "",
        to_digest=digest,
        was=before.verdict if before and not before.deleted else None,
        became=verdict,
        new=verdict is Verdict.FAIL and since is None,
        fixed=stopped and since is not None,
    )


def deletion(before: TagState) -> Change:
    """A tag the registry no longer lists; that it failed is neither new nor fixed."""
    return Change(Kind.DELETED, before.digest, "", before.verdict, None)


def failing_since(before: TagState | None, verdict: Verdict, now: datetime) -> datetime | None:
    """When the tag began to fail, or ``None`` while it does not."""
    since = before.failing_since if before and not before.deleted else None
    return still_failing_since(since, verdict, now)


def still_failing_since(since: datetime | None, verdict: Verdict, now: datetime) -> datetime | None:
    """Carry the beginning of a failure on: through *unknown*, until a verdict says that it is over."""
    if verdict is Verdict.FAIL:
        return since or now
    return since if verdict is Verdict.UNKNOWN else None


def _kind(before: TagState | None, digest: str, verdict: Verdict) -> Kind | None:
    if before is None:
        return Kind.CREATED
    if before.deleted:
        return Kind.RETURNED
    if before.digest != digest:
        return Kind.MOVED
    return Kind.REJUDGED if before.verdict is not verdict else None
