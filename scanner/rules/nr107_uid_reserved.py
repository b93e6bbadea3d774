"""NR107: a uid that distributions hand out to their own services."""

from __future__ import annotations

from dataclasses import replace

from scanner.domain.citations import FRIENDS, KSV_0020, NIST_800_190, NON_PRIVILEGED, NSA_CISA, RANDOM_IDS
from scanner.domain.evidence import account_line, declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.reading import read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Outcome, Severity

LOWEST_UID = 1_000
"""Where ordinary accounts begin on Debian and current RHEL (``/etc/login.defs``, UID_MIN)."""


def check(facts: ImageFacts, threshold: int | None = None) -> Finding:
    """A uid from 1 up to, not including, the threshold."""
    reading = read(facts)
    least = LOWEST_UID if threshold is None else threshold
    if reading.uid is None:
        return unknown(reading.why_not)
    if reading.is_root:
        return not_applicable("It runs as root, which NR101 to NR103 say.")
    if reading.uid >= least:
        return replace(ok(), below=reading.uid)
    evidence = [declared(facts)]
    if reading.entry is not None:
        evidence.append(account_line(facts, facts.passwd, reading.entry))
    said = f"It runs as uid {reading.uid}, which is below {least}."
    advice = run_as_account(facts, said, someone_else(facts, least=least))
    return Finding(Outcome.VIOLATED, said, tuple(evidence), advice, below=reading.uid)


RULE = Rule(
    id="NR107",
    slug="uid-reserved",
    title="Runs under a uid reserved for the system",
    why="Low uids belong to services of the distribution and of the host: the process shares their files and limits.",
    severity=Severity.MEDIUM,
    references=(NON_PRIVILEGED, RANDOM_IDS, FRIENDS, NIST_800_190, NSA_CISA, KSV_0020),
    violating=Example("The uid of a system service", "FROM debian:12\nUSER 33:33\nCMD server"),
    fine=Example("A uid above them", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "The uid Docker gives the process is compared with the policy's threshold; root and images that do not start "
        "are left to other rules. Cane asks for 500, the articles of 2015 and 2021 for 1000, zero trust for 10000."
    ),
    threshold=LOWEST_UID,
    threshold_means="the lowest uid that is accepted",
)
