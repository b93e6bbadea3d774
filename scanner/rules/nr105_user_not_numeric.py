"""NR105: USER is a name, so nobody outside the image can tell who it is."""

from __future__ import annotations

from scanner.domain.citations import CIS_4_1, DL3066, FRIENDS, NSA_CISA, POD_SECURITY, RANDOM_IDS, WHAT_USER
from scanner.domain.evidence import account_line, declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import advice, run_as_account, someone_else
from scanner.domain.identity import Identity
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, Reading, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A name that is not root today; names that are root or nobody belong to NR102 to NR104."""
    reading = read(facts)
    if reading.user.kind is not Kind.NAME:
        return ok()
    if reading.is_root:
        return not_applicable("The name is uid 0, which NR102 and NR103 say.")
    if reading.uid is None and not reading.passwd_problem:
        return not_applicable(reading.why_not)
    name = quoted(reading.user.text)
    today = f"uid {reading.uid} today" if reading.uid is not None else "nobody can say who"
    said = f"USER is the name {name}, {today}; kubelet refuses a name under runAsNonRoot."
    evidence = [declared(facts)]
    if reading.entry is not None:
        evidence.append(account_line(facts, facts.passwd, reading.entry))
    return Finding(Outcome.VIOLATED, said, tuple(evidence), _fix(facts, reading, said))


def _fix(facts: ImageFacts, reading: Reading, said: str) -> str:
    if reading.uid is None:
        return run_as_account(facts, said, someone_else(facts))
    gid = reading.answer.gid if isinstance(reading.answer, Identity) else reading.uid
    # Written with its group, Docker would drop the account's supplementary groups.
    number = f"{reading.uid}" if reading.group.kind is Kind.EMPTY else f"{reading.uid}:{gid}"
    prose = f"{said} Write the number; the process stays who it is."
    return advice(prose, [f"USER {number}"], reading.uid, gid)


RULE = Rule(
    id="NR105",
    slug="user-not-numeric",
    title="USER is a name, not a number",
    why="A name says nothing outside the image: the next build may give it another uid, and kubelet refuses it.",
    severity=Severity.HIGH,
    references=(WHAT_USER, RANDOM_IDS, FRIENDS, POD_SECURITY, CIS_4_1, NSA_CISA, DL3066),
    violating=Example("An account by name", "FROM debian:12\nRUN useradd --uid 1001 app\nUSER app"),
    fine=Example("The same account by number", "FROM debian:12\nRUN useradd --uid 1001 app\nUSER 1001"),
    check=check,
    decided=(
        "The user half of USER is a name when Go cannot read it as an integer. Under `runAsNonRoot: true` kubelet "
        "looks at the config alone and answers *image has non-numeric user*. Names that are uid 0 are NR102 or NR103; "
        "names that do not exist are NR104."
    ),
)
