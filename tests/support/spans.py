"""Invented histories of findings, as values and as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import strategies as st

from compliance.models import Finding, FindingEvent, FindingSpan, Repository
from compliance.remediation.metrics import Span
from compliance.remediation.status import Resolution
from tests.support.remediation import finding_row
from tests.support.rows import NOW

_ENDS = (Resolution.PROVED, Resolution.GONE, Resolution.POLICY)


def ago(days: float) -> datetime:
    """A moment so many days before now."""
    return NOW - timedelta(days=days)


@st.composite
def histories(draw: st.DrawFn) -> list[Span]:
    """Findings with up to three episodes each, one after the other; some are waived or false positives now."""
    found: list[Span] = []
    for finding in range(draw(st.integers(0, 6))):
        moments = sorted(draw(st.lists(_MOMENTS, min_size=1, max_size=6, unique=True)))
        ends = [*moments[1::2], None][: -(-len(moments) // 2)]
        stands = draw(st.sampled_from(["to do", "waived", "false positive"])) if ends[-1] is None else "fixed"
        for at, closed in enumerate(ends):
            opened = moments[2 * at]
            waived = max(opened, draw(_MOMENTS))
            found.append(
                Span(
                    finding,
                    opened,
                    closed,
                    resolution=draw(st.sampled_from(_ENDS)) if closed else Resolution.NONE,
                    reopened=at > 0,
                    due_at=draw(st.none() | _MOMENTS | _LATER),
                    waived_at=waived if stands == "waived" and closed is None else None,
                    false_positive=stands == "false positive",
                )
            )
    return found


# Days meet at midnight, and some moments are the same as others: what differs there is seen nowhere else.
_MOMENTS = (st.floats(0, 40) | st.integers(0, 39).map(lambda days: days + 0.5)).map(ago)
_LATER = (st.floats(-20, 0) | st.integers(-20, 0).map(lambda days: days / 2)).map(ago)


def store(spans: Sequence[Span], repository: Repository) -> None:
    """Rows that say the same; the present episode of a finding is its last."""
    for number in {span.finding for span in spans}:
        own = [span for span in spans if span.finding == number]
        row = _finding(repository, number, own[-1])
        row.save()
        FindingSpan.objects.bulk_create(
            FindingSpan(
                finding=row,
                repository=repository,
                rank=row.rank,
                opened_at=span.opened_at,
                closed_at=span.closed_at,
                resolution=span.resolution,
                reopened=span.reopened,
                due_at=span.due_at,
            )
            for span in own
        )
        if own[-1].waived_at:
            FindingEvent.objects.bulk_create(_events(row, own[-1].waived_at))


def _events(row: Finding, waived_at: datetime) -> list[FindingEvent]:
    """A waiver that ended, the one that counts, which another takes over from; and a word about it."""
    waiver = FindingEvent.Kind.WAIVER
    told = [
        (row.opened_at, waiver, "", "For the release"),
        (row.opened_at, waiver, "For the release", ""),
        (waived_at, waiver, "", "Until the vendor is done"),
        (NOW, waiver, "Until the vendor is done", "As long as it takes"),
        (NOW, FindingEvent.Kind.COMMENT, "", ""),
    ]
    return [FindingEvent(finding=row, at=at, kind=kind, was=was, became=became) for at, kind, was, became in told]


def _finding(repository: Repository, number: int, last: Span) -> Finding:
    status = "fixed" if last.closed_at else "false_positive" if last.false_positive else "open"
    return finding_row(
        repository,
        subject=f"user{number}",
        rank=number % 5,
        status="waived" if last.waived_at else status,
        resolution=last.resolution,
        opened_at=last.opened_at,
        closed_at=last.closed_at,
        due_at=last.due_at,
    )
