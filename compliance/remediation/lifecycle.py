"""What a scan makes of a finding: where it stood and what was seen in, where it stands and what is to be told out.

Only this says *fixed* and *regressed*. What people said lasts while the finding is there, and not longer: the image
that comes back another day is another one, and whoever called the first a false positive has not looked at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from compliance.remediation.status import Resolution, Status


class Kind(StrEnum):
    """The values of ``FindingEvent.Kind`` for what a scan does."""

    FOUND = "found"
    STATUS = "status"
    CLAIM_REFUTED = "claim_refuted"
    CLAIM_CONFIRMED = "claim_confirmed"
    SPREAD = "spread"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the timeline."""

    kind: Kind
    was: str = ""
    became: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a finding's tags now.

    :param tags: how many show it; where nobody can say of one whether it still does, it does.
    :param gone: why none does, where none does.
    :param checked: whether all that can tell of a claim was asked for after it, with an answer: of every tag that still
        shows the finding, or of those that stopped.
    :param regression: a tag has just begun to show it that ran as somebody else before and runs as root now.
    """

    tags: int
    gone: Resolution = Resolution.NONE
    checked: bool = False
    regression: bool = False


@dataclass(frozen=True, slots=True)
class After:
    """Where a finding stands then.

    :param opens: a new episode begins, with a term of its own; ``reopened``: it had been fixed.
    """

    status: Status
    resolution: Resolution = Resolution.NONE
    told: tuple[Told, ...] = ()
    opens: bool = False
    reopened: bool = False


def after_scan(status: Status, resolution: Resolution, seen: Seen) -> After:
    """Decide what a finding that was known before is now.

    :param resolution: of one that is fixed: why.
    """
    if not seen.tags:
        return _absent(status, resolution, seen)
    if status is Status.FIXED:
        return _back(resolution, seen)
    if status is Status.FIX_CLAIMED and seen.checked:
        text = f"It was looked at again and is still there{_on(seen)}."
        return After(Status.OPEN, told=(Told(Kind.CLAIM_REFUTED, status, Status.OPEN, text),))
    if status is Status.FALSE_POSITIVE and seen.regression:
        # Said of other images than the one that runs as root since now.
        return After(Status.REGRESSED, told=(_status(status, Status.REGRESSED, _ROOT_NOW),))
    return After(status)


def found(seen: Seen) -> After:
    """What becomes of one that nobody knew."""
    text = _ROOT_NOW if seen.regression else ""
    return After(Status.NEW, told=(Told(Kind.FOUND, text=text),), opens=True)


def _absent(status: Status, resolution: Resolution, seen: Seen) -> After:
    if status is Status.FIXED:
        return After(status, resolution)
    if status is Status.FIX_CLAIMED and seen.gone is Resolution.PROVED and seen.checked:
        confirmed = Told(Kind.CLAIM_CONFIRMED, status, Status.FIXED, _WHY[seen.gone])
        return After(Status.FIXED, seen.gone, (confirmed,))
    return After(Status.FIXED, seen.gone, (_status(status, Status.FIXED, _WHY[seen.gone]),))


def _back(resolution: Resolution, seen: Seen) -> After:
    if resolution is Resolution.POLICY and not seen.regression:
        # Nothing was fixed and nothing got worse: a policy had stopped asking for a while.
        told = _status(Status.FIXED, Status.OPEN, f"A policy asks for it again{_on(seen)}.")
        return After(Status.OPEN, told=(told,), opens=True)
    text = _ROOT_NOW if seen.regression else f"It is back{_on(seen)}."
    told = _status(Status.FIXED, Status.REGRESSED, text)
    return After(Status.REGRESSED, told=(told,), opens=True, reopened=True)


_ROOT_NOW = "A tag that ran as another user before runs as root now."
_WHY = {
    Resolution.PROVED: "No tag shows it any more.",
    Resolution.GONE: "The last tag with it is gone.",
    Resolution.POLICY: "No policy asks for it any more.",
}


def _status(was: Status, became: Status, text: str) -> Told:
    return Told(Kind.STATUS, was, became, text)


def _on(seen: Seen) -> str:
    return f" on {seen.tags:,} tag{'' if seen.tags == 1 else 's'}"
