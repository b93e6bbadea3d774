"""NR101: nothing says who to run as, so it is root."""

from __future__ import annotations

from scanner.domain.citations import (
    C_0013,
    CIS_4_1,
    CIS_DI_0001,
    DS_0002,
    FRIENDS,
    NIST_800_190,
    NON_PRIVILEGED,
    NSA_CISA,
    POD_SECURITY,
    STOP_ROOT,
)
from scanner.domain.evidence import declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Look at the user half of USER alone: where it is empty every runtime takes uid 0."""
    reading = read(facts)
    if reading.user.kind is not Kind.EMPTY:
        return ok() if reading.uid is not None else not_applicable(reading.why_not)
    user = facts.config.user
    said = "The image has no USER" if not user else f"USER is {quoted(user)}, whose user half is empty"
    advice = run_as_account(facts, f"{said}, so it runs as root.", someone_else(facts))
    return Finding(Outcome.VIOLATED, f"{said}, so it starts as uid 0.", (declared(facts),), advice)


RULE = Rule(
    id="NR101",
    slug="root-by-default",
    title="Runs as root because nothing says otherwise",
    why="Whoever breaks into a process that runs as root is root in the container, and one kernel bug from the host.",
    severity=Severity.CRITICAL,
    references=(
        NON_PRIVILEGED,
        STOP_ROOT,
        FRIENDS,
        CIS_4_1,
        NIST_800_190,
        NSA_CISA,
        POD_SECURITY,
        CIS_DI_0001,
        DS_0002,
        C_0013,
    ),
    violating=Example(
        "No USER at all",
        "FROM debian:12\nRUN apt-get update && apt-get install -y redis-server\nCMD redis-server",
    ),
    fine=Example("A number that is not 0", "FROM debian:12\nUSER 9000:9000\nCMD redis-server"),
    check=check,
    decided=(
        "`User` of the image config is split at the first colon. If the first half is empty (no USER, `:` or `:1000`) "
        "every runtime starts the process as uid 0. Account files play no part."
    ),
)
