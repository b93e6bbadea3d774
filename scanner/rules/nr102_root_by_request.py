"""NR102: USER asks for root, in one of its spellings."""

from __future__ import annotations

from scanner.domain.citations import (
    C_0013,
    CIS_4_1,
    CIS_DI_0001,
    DL3002,
    DS_0002,
    NIST_800_190,
    NSA_CISA,
    POD_SECURITY,
    STOP_ROOT,
    WHAT_USER,
)
from scanner.domain.evidence import account_line, declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, read
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A number that is 0 however it is written, or the name ``root`` where root is uid 0."""
    reading = read(facts)
    zero = reading.user.kind is Kind.NUMBER and reading.user.number == 0
    if not zero and reading.uid is None and reading.user.kind is not Kind.EMPTY:
        return unknown(reading.why_not)
    if not zero and not (reading.user.text == "root" and reading.is_root):
        return ok()
    evidence = [declared(facts)]
    if reading.entry is not None and not zero:
        evidence.append(account_line(facts, facts.passwd, reading.entry))
    said = f"USER is {quoted(facts.config.user)}, which is uid 0"
    advice = run_as_account(facts, f"{said}.", someone_else(facts))
    return Finding(Outcome.VIOLATED, f"{said}.", tuple(evidence), advice)


RULE = Rule(
    id="NR102",
    slug="root-by-request",
    title="Asks to run as root",
    why="The image asks for root in so many words; whoever breaks into the process is root in the container.",
    severity=Severity.CRITICAL,
    references=(
        WHAT_USER,
        STOP_ROOT,
        CIS_4_1,
        NIST_800_190,
        POD_SECURITY,
        CIS_DI_0001,
        DS_0002,
        DL3002,
        C_0013,
        NSA_CISA,
    ),
    violating=Example("Root in another spelling", "FROM debian:12\nUSER 00:1000\nCMD server"),
    fine=Example("Root while building only", "FROM debian:12\nUSER root\nRUN install-things\nUSER 10001:10001"),
    check=check,
    decided=(
        "The user half of USER is read as Go reads integers: `0`, `00`, `+0` and `-0` are all uid 0, with or without a "
        "group. The name `root` counts when its first line in `/etc/passwd` gives uid 0, which is not always so. Other "
        "names that turn out to be uid 0 are NR103."
    ),
)
