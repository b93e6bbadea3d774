"""NR307: the declared user is not in group 0."""

from __future__ import annotations

from scanner.domain.citations import FRIENDS, OPENSHIFT_IMAGES, RANDOM_IDS
from scanner.domain.evidence import account_line, declared
from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import BEFORE_USER, remedy
from scanner.domain.fixes import base_family, safe_name
from scanner.domain.identity import Identity
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, Reading, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A primary gid besides 0."""
    reading = read(facts)
    if not isinstance(reading.answer, Identity):
        return unknown(reading.why_not)
    if reading.is_root:
        return not_applicable("It runs as root, which NR101 to NR103 say.")
    gid = reading.answer.gid
    if gid == 0:
        return ok()
    evidence = [declared(facts)]
    if reading.group.kind is not Kind.EMPTY:
        how = f"because USER asks for {quoted(reading.group.text)}"
    else:
        how = "the primary group of the account"
        evidence += [account_line(facts, facts.passwd, reading.entry)] if reading.entry else []
    said = (
        f"It runs as uid {reading.uid} with gid {gid}, {how}. Files it makes belong to group {gid}, so an arbitrary "
        "uid, which is in group 0, cannot go on with them; nor is what works here a test of what OpenShift allows."
    )
    return Finding(Outcome.VIOLATED, said, tuple(evidence), _fix(facts, reading, said))


def _fix(facts: ImageFacts, reading: Reading, said: str) -> str:
    lines = []
    entry = reading.entry
    if (
        entry is not None
        and entry.gid != 0
        and base_family(facts).has_shell
        and safe_name(entry.name, "")
        and entry.uid > 0
    ):
        lines = [BEFORE_USER, f"RUN sed -i 's/^\\({entry.name}:[^:]*:[^:]*\\):[^:]*:/\\1:0:/' /etc/passwd"]
    lines.append(f"USER {reading.uid}:0")
    prose = (
        f"{said} Give it group 0, which has no rights of its own beyond its files. Kubernetes drops the group half of "
        "USER, so the account needs it too. Where no arbitrary uid will ever run this, NR110 asks for the opposite: "
        "decide by policy."
    )
    kubernetes = ("securityContext:", f"  runAsUser: {reading.uid}", "  runAsGroup: 0")
    return remedy(prose, lines, kubernetes, (f'user: "{reading.uid}:0"',))


RULE = Rule(
    id="NR307",
    slug="primary-group-not-root",
    title="The declared user is not in group 0",
    why="An image whose own user is in group 0 shows on every start that group 0 is enough, as an arbitrary uid needs.",
    severity=Severity.LOW,
    references=(RANDOM_IDS, FRIENDS, OPENSHIFT_IMAGES),
    violating=Example("A group of its own", "FROM debian:12\nUSER 1001:1001\nCMD server"),
    fine=Example("Group 0", "FROM debian:12\nUSER 1001:0\nCMD server"),
    check=check,
    decided=(
        "The gid Docker gives the process: the group half of USER, else the account's primary group, else 0. Group 0 "
        "is what OpenShift gives to arbitrary uids. *Strict* wants the opposite (NR110), so a policy counts one of "
        "the two."
    ),
)
