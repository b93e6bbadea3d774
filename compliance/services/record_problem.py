"""Store what went wrong: one row per cause, with how often and an example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from django.db.models import F, Q

from compliance.models import ScanError
from scanner.domain.printable import printable
from scanner.domain.problems import LimitExceeded, ScanProblem, Unavailable

_LONGEST_MESSAGE = 2_000


class ProblemColumns(TypedDict):
    """The three columns every table with a problem has."""

    problem_code: str
    problem_message: str
    problem_remedy: str


@dataclass(frozen=True, slots=True)
class Mishap:
    """One problem and what it happened to; no ``repository_id``: the listing."""

    subject: str
    problem: ScanProblem


NO_PROBLEM = ProblemColumns(problem_code="", problem_message="", problem_remedy="")


def problem_columns(problem: ScanProblem | None) -> ProblemColumns:
    """A problem as columns; messages quote registries and images, so they are made printable."""
    if problem is None:
        return NO_PROBLEM
    return ProblemColumns(
        problem_code=printable(problem.code, longest=64),
        problem_message=printable(problem.message, longest=_LONGEST_MESSAGE),
        problem_remedy=printable(problem.remedy, longest=_LONGEST_MESSAGE),
    )


def scanner_fault(subject: str) -> Unavailable:
    """An error of ours, which is in the log; nothing is stored of it, so that the next scan tries again."""
    return Unavailable(
        "scanner-fault",
        f"{subject}: an error in the scanner kept it from being read",
        remedy="The worker's log has the details; please report it. The next scan tries again.",
    )


def allowed_by_limit(problem: ScanProblem | None) -> float | None:
    """The value of the limit that was passed, where that was the cause."""
    return problem.allowed if isinstance(problem, LimitExceeded) else None


def record_mishaps(scan_id: int, repository_id: int | None, mishaps: Iterable[Mishap], *, now: datetime) -> None:
    """Add to the counts, one row per code."""
    by_code: dict[str, list[Mishap]] = {}
    for mishap in mishaps:
        by_code.setdefault(mishap.problem.code, []).append(mishap)
    for found in by_code.values():
        _add(scan_id, repository_id, found, now)


def _add(scan_id: int, repository_id: int | None, found: list[Mishap], now: datetime) -> None:
    columns = problem_columns(found[0].problem)
    where = Q(repository=repository_id) if repository_id else Q(repository=None)
    row, made = ScanError.objects.filter(where).get_or_create(
        scan_id=scan_id,
        code=columns["problem_code"],
        defaults={
            "repository_id": repository_id,
            "message": columns["problem_message"],
            "remedy": columns["problem_remedy"],
            "subject": printable(found[0].subject, longest=400),
            "count": len(found),
            "at": now,
        },
    )
    if not made:
        ScanError.objects.filter(pk=row.pk).update(count=F("count") + len(found), at=now)
