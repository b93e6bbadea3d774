"""One step of a connection test: what was tried, how it held, and what to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from scanner.domain.printable import printable
from scanner.domain.problems import ScanProblem
from scanner.sources.registry.credentials import without

_LONGEST_DETAIL = 500


class StepState(StrEnum):
    """How one rung held."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung.

    :param code: of the problem where it failed, or of what is warned of.
    :param detail: what was found, printable.
    :param hint: what to do.
    :param status: what servers answered, as they said it, the last ones: ``GET /v2/ → 401 Unauthorized``.
    """

    name: str
    state: StepState
    milliseconds: int = 0
    detail: str = ""
    hint: str = ""
    code: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a rung found; with a code it is a warning.

    :param hint: what to do, where it is one.
    """

    detail: str
    code: str = ""
    hint: str = ""


class NotNeeded(Exception):
    """A rung that does not exist here, with the reason."""


def measured(
    name: str,
    rung: Callable[[], Found],
    secrets: Iterable[str] = (),
    heard: Callable[[], str] = lambda: "",
) -> Step:
    """Climb one rung and say how it held.

    :param secrets: are taken out of everything that is shown.
    :param heard: what servers answered meanwhile.
    """
    started = time.monotonic()
    code = hint = ""
    try:
        found = rung()
        state, detail = StepState.WARNING if found.code else StepState.OK, found.detail
        code, hint = found.code, found.hint
    except NotNeeded as reason:
        state, detail = StepState.SKIPPED, str(reason)
    except ScanProblem as problem:
        state, detail, code, hint = StepState.FAILED, problem.message, problem.code, problem.remedy
    milliseconds = round((time.monotonic() - started) * 1_000)
    shown = [printable(without(text, secrets), longest=_LONGEST_DETAIL) for text in (detail, heard())]
    return Step(name, state, milliseconds, shown[0], hint, code, shown[1])
