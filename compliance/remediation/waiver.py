"""What a waiver covers, and where it stands: decided from values, so that preview, scan and clock say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from compliance.policy.globs import compile_glob
from compliance.remediation.waiver_dates import day_of, days_in_words, last_day

EXPIRING: Final = timedelta(days=14)
WARNINGS: Final = (14, 3, 0)
"""Days before the end at which somebody is told; 0: on its last day."""

_DAY = timedelta(days=1)
_NAMED = 3


@dataclass(frozen=True, slots=True)
class WaiverScope:
    """What is accepted; every empty part fits all. ``digest`` is a tag's own or that of one of its images."""

    rule: str
    registry_id: int | None = None
    repository: str = ""
    tag: str = ""
    digest: str = ""
    team_id: int | None = None

    @property
    def names_one_repository(self) -> bool:
        """Whether it was written for one repository and no other."""
        return self.registry_id is not None and bool(self.repository) and not _has_wildcard(self.repository)

    @property
    def is_every_repository(self) -> bool:
        """Whether it fits whatever repository there is, whosever."""
        return not (self.registry_id or self.team_id or self.digest or self.repository.strip("*"))


@dataclass(frozen=True, slots=True)
class ShownBy:
    """A tag that shows a finding: what it points to, the image of the finding's platform, and how that runs.

    :param run_key: ``Image.run_key``; empty where nobody knows.
    """

    tag: str
    digest: str
    run_key: str
    image_digest: str = ""


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """What is asked of a finding.

    :param regressed_at: of a regression: when the last of its tags began to show it.
    """

    rule: str
    registry_id: int
    repository: str
    team_id: int | None
    occurrences: tuple[ShownBy, ...]
    regressed_at: datetime | None = None


class Answer(StrEnum):
    """What a waiver says of a finding."""

    COVERED = "covered"
    OUT_OF_SCOPE = "out_of_scope"
    PARTLY = "partly"
    CHANGED = "changed"
    REGRESSED = "regressed"


@dataclass(frozen=True, slots=True)
class Covers:
    """The answer with its reason.

    :param tags: those that stand in the way.
    """

    answer: Answer
    words: str
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it is covered."""
        return self.answer is Answer.COVERED


def fits(scope: WaiverScope, finding: FindingFacts) -> bool:
    """Whether rule, registry, team and repository are in scope, whatever its tags are."""
    return (
        scope.rule == finding.rule
        and scope.registry_id in (None, finding.registry_id)
        and scope.team_id in (None, finding.team_id)
        and (not scope.repository or compile_glob(scope.repository).fits(finding.repository))
    )


def fits_tag(scope: WaiverScope, shown: ShownBy) -> bool:
    """Whether a tag, and what it points to, are in scope."""
    named = not scope.tag or compile_glob(scope.tag).fits(shown.tag)
    return named and scope.digest in ("", shown.digest, shown.image_digest)


def covers(scope: WaiverScope, accepted: Collection[str], finding: FindingFacts, *, written_at: datetime) -> Covers:
    """Say whether a waiver covers a finding: all of its tags, each running as something that was accepted.

    A regression is covered only by what was written after it, for its repository alone.
    """
    if not fits(scope, finding):
        return Covers(Answer.OUT_OF_SCOPE, "It is outside the scope.")
    if not finding.occurrences:
        return Covers(Answer.OUT_OF_SCOPE, "No tag shows it now.")
    outside = _names(shown for shown in finding.occurrences if not fits_tag(scope, shown))
    if len(outside) == len({shown.tag for shown in finding.occurrences}):
        return Covers(Answer.OUT_OF_SCOPE, "None of its tags is in scope.", outside)
    if outside:
        return Covers(
            Answer.PARTLY, f"{_listed(outside)} {_verb(outside, 'shows', 'show')} it too, out of scope.", outside
        )
    changed = _names(shown for shown in finding.occurrences if not shown.run_key or shown.run_key not in accepted)
    if changed:
        return Covers(Answer.CHANGED, _changed_words(changed), changed)
    if finding.regressed_at is not None and not (scope.names_one_repository and written_at >= finding.regressed_at):
        return Covers(Answer.REGRESSED, "It is a regression, which only a waiver written for it afterwards covers.")
    return Covers(Answer.COVERED, "It is covered.")


@dataclass(frozen=True, slots=True)
class WaiverTerms:
    """What a policy asks of waivers of what it finds."""

    policy: str
    most_days: int
    second_person: bool


@dataclass(frozen=True, slots=True)
class Approval:
    """Since when and until when a waiver counts; ``alone``: its author approved it."""

    at: datetime
    until: datetime
    alone: bool


def lasts_too_long(since: datetime, until: datetime, most_days: int) -> bool:
    """Whether a waiver lasts longer than a policy allows, in whatever time zone its day was chosen."""
    return day_of(until, "UTC") > last_day(since, most_days + 1, "UTC")


def not_agreed(approval: Approval, terms: WaiverTerms) -> str:
    """Why a waiver may not begin to cover what a policy finds although it fits, in words; empty where it may."""
    if terms.second_person and approval.alone:
        return f"The policy {terms.policy} asks for a second person, and its author approved it alone."
    if lasts_too_long(approval.at, approval.until, terms.most_days):
        return f"It lasts longer than the {days_in_words(terms.most_days)} that the policy {terms.policy} allows."
    return ""


class WaiverState(StrEnum):
    """Where a waiver stands."""

    WAITING = "waiting"
    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


COUNTS: Final = frozenset({WaiverState.ACTIVE, WaiverState.EXPIRING})
"""It covers findings."""


def state_of(
    *, approved_at: datetime | None, expires_at: datetime, revoked_at: datetime | None, now: datetime
) -> WaiverState:
    """Say where a waiver stands; one that nobody approved in time has expired."""
    if revoked_at is not None and revoked_at <= now:
        return WaiverState.REVOKED
    if expires_at <= now:
        return WaiverState.EXPIRED
    if approved_at is None:
        return WaiverState.WAITING
    return WaiverState.EXPIRING if expires_at - now <= EXPIRING else WaiverState.ACTIVE


def days_to_warn(expires_at: datetime, warned: int | None, now: datetime) -> int | None:
    """Say which warning is due: the smallest number of days that is reached and was not told yet.

    :param warned: the smallest number that was told.
    """
    left = expires_at - now
    if left <= timedelta(0):
        return None
    reached = [days for days in WARNINGS if left <= max(days, 1) * _DAY]
    due = min(reached, default=None)
    return due if due is not None and (warned is None or due < warned) else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waiver that covers a finding."""

    id: int
    expires_at: datetime


def waiver_of(candidates: Iterable[Candidate]) -> int | None:
    """Choose the one that counts among those that cover a finding: the one that ends last."""
    last = max(candidates, key=lambda each: (each.expires_at, each.id), default=None)
    return None if last is None else last.id


def _has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _names(shown: Iterable[ShownBy]) -> tuple[str, ...]:
    return tuple(sorted({each.tag for each in shown}))


def _changed_words(tags: Sequence[str]) -> str:
    image = _verb(tags, "points to an image that runs", "point to images that run")
    return f"{_listed(tags)} {image} as another user, uid or gid, or with another entrypoint, than was accepted."


def _listed(tags: Sequence[str]) -> str:
    """At most three names: a repository may have a hundred thousand."""
    shown, more = list(tags[:_NAMED]), len(tags) - _NAMED
    if more > 0:
        shown.append(f"{more} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _verb(tags: Sequence[str], one: str, many: str) -> str:
    return one if len(tags) == 1 else many
