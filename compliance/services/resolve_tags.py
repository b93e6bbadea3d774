"""Ask what tags point to now: one HEAD each, over a few kept-alive connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from scanner.domain.problems import ScanProblem
from scanner.domain.reference import RepositoryName, TagName
from scanner.sources.source import Resolved, Source


@dataclass(frozen=True, slots=True)
class Pointer:
    """A tag with its digest, pinned for the rest of the scan, or with what kept the registry from telling.

    :param asked_at: when its own question began; the answer is no older.
    """

    tag: TagName
    asked_at: datetime
    resolved: Resolved | None
    problem: ScanProblem | None = None


def resolve_tags(
    source: Source,
    repository: RepositoryName,
    tags: Sequence[TagName],
    executor: Executor,
    clock: Callable[[], datetime],
) -> list[Pointer]:
    """Resolve every tag; a tag that cannot be resolved does not stop the others.

    :param clock: that agrees with the database's, and asks nobody.
    """

    def resolve(tag: TagName) -> Pointer:
        asked_at = clock()
        try:
            return Pointer(tag, asked_at, source.resolve(repository, tag))
        except ScanProblem as problem:
            return Pointer(tag, asked_at, None, problem)

    return list(executor.map(resolve, tags))


def until_limited(pointers: Sequence[Pointer]) -> tuple[list[Pointer], ScanProblem | None]:
    """The tags before the first that a rate limit stopped, and that limit: so each turn gets on, however little."""
    for place, pointer in enumerate(pointers):
        if pointer.problem is not None and pointer.problem.code == "rate-limited":
            return list(pointers[:place]), pointer.problem
    return list(pointers), None


def registry_is_down(pointers: Sequence[Pointer]) -> ScanProblem | None:
    """The passing fault that stopped a whole batch."""
    problems = [pointer.problem for pointer in pointers if pointer.problem and not pointer.problem.permanent]
    return problems[0] if problems and len(problems) == len(pointers) else None
