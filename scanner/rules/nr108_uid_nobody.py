"""NR108: a uid that stands for nobody in particular."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.domain.citations import FRIENDS, OVERFLOW_UID
from scanner.domain.evidence import account_line, declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.reading import read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Outcome, Severity

_NOBODIES: Mapping[int, str] = {
    65534: "the kernel's overflow uid and the uid of NFS clients without one: files of strangers look like its own",
    65535: "-1 in 16 bits, which old system calls and file systems read as “no uid”",
}


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """The two uids, whether USER says the number or an account has it."""
    reading = read(facts)
    if reading.uid is None:
        return unknown(reading.why_not)
    if reading.is_root:
        return not_applicable("It runs as root, which NR101 to NR103 say.")
    shared = _NOBODIES.get(reading.uid)
    if shared is None:
        return ok()
    evidence = [declared(facts)]
    if reading.entry is not None:
        evidence.append(account_line(facts, facts.passwd, reading.entry))
    said = f"It runs as uid {reading.uid}, {shared}."
    return Finding(Outcome.VIOLATED, said, tuple(evidence), run_as_account(facts, said, someone_else(facts)))


RULE = Rule(
    id="NR108",
    slug="uid-nobody",
    title="Runs as nobody",
    why="The uid is shared with every other “nobody”: NFS, unmapped users of user namespaces, and other containers.",
    severity=Severity.LOW,
    references=(FRIENDS, OVERFLOW_UID),
    violating=Example("The account every distribution has", "FROM debian:12\nUSER 65534:65534\nCMD server"),
    fine=Example("A uid of its own", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "The uid Docker gives the process is compared with 65534 (`nobody`, the kernel's `overflowuid`) and 65535. "
        "The gid plays no part. Root, and images that do not start, are left to other rules."
    ),
)
