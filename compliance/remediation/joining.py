"""What waits together for one channel becomes one message with counts, and nothing of it is left out.

A notice is kept as JSON until it is sent. Only then is it put into words: what the reader may not see by then is taken
out of it, and what came meanwhile is put to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from compliance.remediation.notices import LONGEST_LINE, LONGEST_SUBJECT, MOST_LINES, Kind, Line, Notice, inline

JOINED: Final = (Kind.REGRESSION, Kind.CRITICAL, Kind.ASSIGNED, Kind.OVERDUE, Kind.WAIVER, Kind.WATCHED)
"""Kinds of which several become one message, the most urgent first. A team's week, a view and a test stand alone."""

AT_ONCE: Final = 10
"""Messages of one kind to one channel within an hour that are sent at once."""

PACE: Final = timedelta(minutes=5)
"""From then on between one and the next, which says all that came in between."""

HOUR: Final = timedelta(hours=1)

_MANY: Final[Mapping[Kind, str]] = {
    Kind.REGRESSION: "{n} regression{s}: {where} {run} as root now, and did not before",
    Kind.CRITICAL: "{n} new critical finding{s} in {where}",
    Kind.ASSIGNED: "You were assigned {n} finding{s}",
    Kind.OVERDUE: "{n} finding{s} {be} overdue",
    Kind.WAIVER: "News of {n} waiver{s}",
    Kind.WATCHED: "News of {n} finding{s} in {where}, which you watch",
    Kind.VIEW: "{n} finding{s} in a view you have mailed",
}


def not_before(sent: int, last: datetime | None) -> datetime | None:
    """From when on the next message of a kind may be sent to a channel; ``None``: at any time.

    :param sent: how many were within the last hour, the last of them at ``last``.
    """
    return last + PACE if last is not None and sent >= AT_ONCE else None


def packed(notice: Notice) -> dict[str, Any]:
    """What a delivery keeps: no secret, and nothing that a database could not take or a person could not see."""
    return {
        "title": inline(notice.title, LONGEST_SUBJECT),
        "path": notice.path,
        "wider": notice.wider,
        "lines": [
            [inline(line.text, LONGEST_LINE), line.path, line.finding, line.rule, line.repository]
            for line in notice.lines
        ],
        "more": notice.more,
        "repository": inline(notice.repository, LONGEST_LINE),
        "repositories": list(notice.repositories),
        # Of what names no repository, the team's week for one.
        "teams": [] if notice.repositories or notice.waiver else sorted(each for each in notice.teams if each),
        "waiver": notice.waiver,
    }


def unpacked(kind: Kind, about: str, kept: Mapping[str, Any]) -> Notice:
    """Read what ``packed`` wrote."""
    return Notice(
        kind=kind,
        about=about,
        title=kept["title"],
        path=kept["path"],
        wider=kept["wider"],
        lines=tuple(Line(*line) for line in kept["lines"]),
        more=kept["more"],
        repository=kept["repository"],
        repositories=tuple(kept["repositories"]),
        teams=frozenset(kept["teams"]),
        waiver=kept["waiver"],
    )


def narrowed(notice: Notice, may_say: Callable[[Line], bool]) -> Notice | None:
    """Leave out lines; ``None`` where none is left. What is not named stays counted."""
    lines = tuple(line for line in notice.lines if may_say(line))
    if lines == notice.lines:
        return notice
    if not lines:
        return None
    seen = tuple(sorted({line.repository for line in lines if line.repository is not None}))
    less = replace(notice, lines=lines, repositories=seen, path=notice.wider or notice.path)
    return replace(less, title=_title(less.kind, [less]))


def joined(parts: Sequence[Notice]) -> Notice:
    """Say several notices of one kind as one; what it is about is the first's.

    Findings are named while all of them fit. Otherwise each line is one of the notices.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    lines = tuple(line for part in parts for line in part.lines)
    if len(lines) > MOST_LINES or any(part.more or not part.lines for part in parts):
        lines = tuple(Line(part.title, part.path) for part in parts)
    repositories = {repository for part in parts for repository in part.repositories}
    return replace(
        first,
        title=_title(first.kind, parts),
        path=first.wider or first.path,
        lines=lines[:MOST_LINES],
        more=len(lines[MOST_LINES:]),
        repository=first.repository if len(repositories) == 1 else "",
        repositories=tuple(sorted(repositories)),
        waiver=None,
    )


def _title(kind: Kind, parts: Sequence[Notice]) -> str:
    repositories = {repository for part in parts for repository in part.repositories}
    names = {part.repository for part in parts}
    one = len(names) == 1 and "" not in names
    where = next(iter(names)) if one else f"{len(repositories):,} repositories"
    count = len({part.waiver for part in parts}) if kind is Kind.WAIVER else sum(part.count for part in parts)
    return _MANY[kind].format(
        n=f"{count:,}",
        s="" if count == 1 else "s",
        where=where,
        run="runs" if one else "run",
        be="is" if count == 1 else "are",
    )
