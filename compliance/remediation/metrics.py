"""How remediation goes: numbers from the episodes of findings, each defined in one sentence that pages print.

An episode that no scan has ended is *unfixed*: to be done, or waived, because a waiver repairs nothing. Days are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import fmean
from typing import Final

from compliance.remediation.sla import SOON
from compliance.remediation.status import Resolution

FIXED_BY: Final = frozenset({Resolution.PROVED, Resolution.GONE})
"""Resolutions that somebody's work brought about; a policy that no longer asks repairs nothing."""

AGES: Final[tuple[tuple[str, str, int, int | None], ...]] = (
    ("0–7 days", "0-7d", 0, 7),
    ("8–30 days", "8-30d", 8, 30),
    ("31–90 days", "31-90d", 31, 90),
    ("over 90 days", ">90d", 91, None),
)
"""Groups of the ageing chart: label, the inbox's filter ``age``, whole days at least and at most."""

DEFINITIONS: Final[Mapping[str, str]] = {
    "open": "Findings somebody has to do something about now: new, open, in progress, fix claimed or regressed.",
    "overdue": "Open findings whose due date is over.",
    "due": "Open findings that are due within the next 7 days.",
    "mttr": (
        "Mean time to remediate: from when a finding was opened until a scan proved it fixed or its last tag was gone, "
        "over all that were closed so in the window. A finding that came back counts once for each time. False "
        "positives, and what a policy no longer asks for, do not count; a waiver closes nothing."
    ),
    "net": (
        "Findings that were fixed in the window and are fixed still, for every finding opened in the window. Above "
        "100 % the pile shrinks."
    ),
    "reopened": "Findings that were fixed, and that a scan found again in the window.",
    "waived": "Share of the unfixed findings that are waived now. They are counted apart, never as fixed.",
    "sla": "Of all that were fixed in the window and had a due date, the share that was fixed before it.",
    "burndown": (
        "Findings that no scan had proved fixed by the end of each day, or week over a year: those on time or without "
        "a due date, those past it, and those under a waiver that counts today, since it does. False positives do "
        "not count. The dashed line is the target, where nothing is overdue: what is above it is late."
    ),
    "flow": (
        "Above the line what was opened, below it what was closed: fixed, or no longer asked for by a policy. What was "
        "unfixed one day, and what came, less what went, is what is unfixed the next."
    ),
    "ages": "Open findings by whole days since they were opened, or opened again.",
}
"""What each number means."""


@dataclass(frozen=True, slots=True)
class Span:
    """One episode of a finding.

    :param waived_at: since when the finding is waived, where it is now.
    :param false_positive: somebody says now that the finding never was one.
    """

    finding: int
    opened_at: datetime
    closed_at: datetime | None = None
    resolution: Resolution = Resolution.NONE
    reopened: bool = False
    due_at: datetime | None = None
    waived_at: datetime | None = None
    false_positive: bool = False

    @property
    def fixed(self) -> bool:
        """Whether somebody's work ended it."""
        return self.closed_at is not None and self.resolution in FIXED_BY

    @property
    def in_time(self) -> bool:
        """Whether it was over before its due date."""
        return self.closed_at is not None and self.due_at is not None and self.closed_at < self.due_at

    @property
    def lasted(self) -> timedelta | None:
        """From opened to closed."""
        return None if self.closed_at is None else self.closed_at - self.opened_at


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days, both included."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        """The first moment of it."""
        return _midnight(self.first)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> tuple[date, ...]:
        """Each day."""
        return tuple(self.first + timedelta(days=at) for at in range((self.last - self.first).days + 1))

    def holds(self, moment: datetime | None) -> bool:
        """Whether something happened within it."""
        return moment is not None and self.since <= moment < self.until


def last_days(count: int, now: datetime) -> Window:
    """The window of so many days that ends today."""
    today = now.astimezone(UTC).date()
    return Window(today - timedelta(days=count - 1), today)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where things stand now; ``ages`` counts the open ones by the groups of ``AGES``."""

    open: int = 0
    overdue: int = 0
    due: int = 0
    waived: int = 0
    ages: tuple[int, ...] = (0, 0, 0, 0)

    @property
    def waived_share(self) -> float | None:
        """See ``DEFINITIONS["waived"]``."""
        unfixed = self.open + self.waived
        return self.waived / unfixed if unfixed else None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things are fixed within a window. ``fixed``, ``kept``, ``opened`` and ``reopened`` count findings.

    :param kept: fixed in the window, and not open at its end.
    :param dated: closings that had a due date, ``in_time`` of them before it.
    """

    fixed: int = 0
    kept: int = 0
    opened: int = 0
    reopened: int = 0
    dated: int = 0
    in_time: int = 0
    median: timedelta | None = None
    mean: timedelta | None = None
    p90: timedelta | None = None

    @property
    def net_rate(self) -> float | None:
        """See ``DEFINITIONS["net"]``."""
        return self.kept / self.opened if self.opened else None

    @property
    def sla_hit(self) -> float | None:
        """See ``DEFINITIONS["sla"]``."""
        return self.in_time / self.dated if self.dated else None


@dataclass(frozen=True, slots=True)
class Day:
    """What came and went on a day, and what was unfixed at its end."""

    day: date
    opened: int
    fixed: int
    dropped: int
    on_time: int
    late: int
    waived: int

    @property
    def closed(self) -> int:
        """All that went."""
        return self.fixed + self.dropped

    @property
    def unfixed(self) -> int:
        """All that is left."""
        return self.on_time + self.late + self.waived

    @property
    def target(self) -> int:
        """What may be left: all that is not overdue."""
        return self.on_time + self.waived


def standing(spans: Iterable[Span], now: datetime) -> Standing:
    """Where things stand."""
    unfixed = [span for span in _real(spans) if span.closed_at is None]
    to_do = [span for span in unfixed if span.waived_at is None]
    return Standing(
        open=len(to_do),
        overdue=sum(span.due_at is not None and span.due_at < now for span in to_do),
        due=sum(span.due_at is not None and now <= span.due_at <= now + SOON for span in to_do),
        waived=len(unfixed) - len(to_do),
        ages=tuple(sum(_in_age(span, least, most, now) for span in to_do) for _, _, least, most in AGES),
    )


def _in_age(span: Span, least: int, most: int | None, now: datetime) -> bool:
    age = (now - span.opened_at).days
    return least <= age and (most is None or age <= most)


def pace(spans: Iterable[Span], window: Window) -> Pace:
    """How fast things were fixed."""
    counted = list(_real(spans))
    fixed = [span for span in counted if span.fixed and window.holds(span.closed_at)]
    opened = [span for span in counted if window.holds(span.opened_at)]
    lasted = sorted((span.lasted or timedelta()).total_seconds() for span in fixed)
    newest: dict[int, Span] = {}
    for span in sorted(counted, key=lambda span: span.opened_at):
        if span.opened_at < window.until:
            newest[span.finding] = span
    dated = [span for span in fixed if span.due_at is not None]
    return Pace(
        fixed=len({span.finding for span in fixed}),
        kept=len({span.finding for span in fixed if not _open_at(newest[span.finding], window.until)}),
        opened=len({span.finding for span in opened}),
        reopened=len({span.finding for span in opened if span.reopened}),
        dated=len(dated),
        in_time=sum(span.in_time for span in dated),
        median=_quantile(lasted, 0.5),
        mean=timedelta(seconds=fmean(lasted)) if lasted else None,
        p90=_quantile(lasted, 0.9),
    )


def in_weeks(days: Sequence[Day]) -> tuple[Day, ...]:
    """The same by weeks that end with the last day: what was left at the end of each, all that came and went in it."""
    first = len(days) % 7 or 7
    cuts = [0, *range(first, len(days) + 1, 7)]
    return tuple(_week(days[start:end]) for start, end in pairwise(cuts))


def _week(days: Sequence[Day]) -> Day:
    return replace(
        days[-1],
        opened=sum(day.opened for day in days),
        fixed=sum(day.fixed for day in days),
        dropped=sum(day.dropped for day in days),
    )


def _open_at(span: Span, moment: datetime) -> bool:
    return span.closed_at is None or span.closed_at >= moment


def _quantile(values: Sequence[float], share: float) -> timedelta | None:
    """Between the two values next to the place, as Postgres's ``percentile_cont`` does."""
    if not values:
        return None
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return timedelta(seconds=values[low] + (values[high] - values[low]) * (at - low))


def burn_down(spans: Iterable[Span], window: Window, now: datetime) -> tuple[Day, ...]:
    """Each day of a window: what came, what went, what was left."""
    counted = list(_real(spans))
    return tuple(_day(counted, day, now) for day in window.days)


def _day(spans: Sequence[Span], day: date, now: datetime) -> Day:
    end = _midnight(day + timedelta(days=1))
    today = Window(day, day)
    left = [span for span in spans if span.opened_at < end and _open_at(span, end)]
    waived = [span for span in left if span.waived_at is not None and span.waived_at < end]
    to_do = [span for span in left if span.waived_at is None or span.waived_at >= end]
    late = sum(span.due_at is not None and span.due_at < min(end, now) for span in to_do)
    closed = [span for span in spans if today.holds(span.closed_at)]
    return Day(
        day,
        opened=sum(today.holds(span.opened_at) for span in spans),
        fixed=sum(span.fixed for span in closed),
        dropped=sum(not span.fixed for span in closed),
        on_time=len(to_do) - late,
        late=late,
        waived=len(waived),
    )


def in_days(span: timedelta | None) -> str:
    """A length of time as boards write it: days, or hours where it is less than one."""
    if span is None:
        return "–"
    hours = span / timedelta(hours=1)
    if hours < 1:
        return "under 1 hour"
    if hours < 24:
        return f"{hours:.0f} hour{'' if round(hours) == 1 else 's'}"
    days = f"{hours / 24:.0f}" if hours >= 240 else f"{hours / 24:.1f}".removesuffix(".0")
    return f"{days} day{'' if days == '1' else 's'}"


def _real(spans: Iterable[Span]) -> Iterable[Span]:
    return (span for span in spans if not span.false_positive)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
