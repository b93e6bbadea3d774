"""The days of a repository as they would have been, had today's rules always counted: its tags' moves, replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from compliance.policy.tag_change import TagState, failing_since, what_happened
from scanner.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Move:
    """What a tag was from a moment on.

    :param verdict: what today's rules say of that; ``None`` where the tag was deleted.
    """

    at: datetime
    tag: int
    digest: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Tags at the end of a day (UTC), and their comings and goings within it, as ``DailySnapshot`` counts them."""

    day: date
    passed: int
    failed: int
    unknown: int
    new: int
    fixed: int
    regressed: int


def replay(moves: Sequence[Move], days: Sequence[date]) -> Iterator[DayTotals]:
    """The totals of each of these days, none before the first move.

    :param moves: from the very first one on, in the order in which they happened.
    :param days: in their order.
    """
    tags: dict[int, TagState] = {}
    at = 0
    for day in days:
        happened: Counter[str] = Counter()
        while at < len(moves) and moves[at].at.astimezone(UTC).date() <= day:
            changed = _apply(tags, moves[at])
            if moves[at].at.astimezone(UTC).date() == day:
                happened.update(changed)
            at += 1
        if at:
            shown = Counter(tag.verdict for tag in tags.values() if not tag.deleted)
            yield DayTotals(
                day, shown[Verdict.PASS], shown[Verdict.FAIL], shown[Verdict.UNKNOWN],
                happened["new"], happened["fixed"], happened["regressed"],
            )  # fmt: skip


def _apply(tags: dict[int, TagState], move: Move) -> list[str]:
    """Change the tag; name what that was."""
    before = tags.get(move.tag)
    if move.verdict is None:
        tags[move.tag] = TagState("", Verdict.UNKNOWN, deleted=True)
        return []
    change = what_happened(before, move.digest, move.verdict)
    tags[move.tag] = TagState(move.digest, move.verdict, failing_since(before, move.verdict, move.at))
    return [name for name in ("new", "fixed", "regressed") if change is not None and getattr(change, name)]
