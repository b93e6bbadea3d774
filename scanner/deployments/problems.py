"""Why a deployment file cannot be reviewed: what, where, and what to do."""

from __future__ import annotations

from scanner.domain.problems import ScanProblem


class DeploymentProblem(ScanProblem):
    """The file as a whole cannot be read.

    :param line: counted from 1, or ``None`` where the fault has no place.
    """

    def __init__(self, code: str, message: str, *, line: int | None = None, remedy: str = "") -> None:
        where = f"line {line}: " if line else ""
        super().__init__(code, f"deployment file: {where}{message}", remedy=remedy)
        self.line = line

    def __reduce__(self) -> tuple[object, ...]:
        return (_revive, (self.code, self.message, self.remedy, self.line))


def _revive(code: str, message: str, remedy: str, line: int | None) -> DeploymentProblem:
    problem = DeploymentProblem(code, "", remedy=remedy)
    problem.message, problem.line, problem.args = message, line, (message,)
    return problem


def too_much(limit: str, allowed: int, found: str, *, line: int | None = None) -> DeploymentProblem:
    """The problem of a limit that was passed; it names the limit."""
    return DeploymentProblem(
        f"limit-{limit.replace('_', '-')}",
        f"{found}, which is more than {limit} allows ({allowed})",
        line=line,
        remedy=f"Review a part of the file, or raise PLIMSOLL_{limit.upper()}.",
    )
