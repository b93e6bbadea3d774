"""NR104: USER names somebody who is not there."""

from __future__ import annotations

from scanner.domain.citations import GO_ACCOUNT_PARSER, NIST_800_190, OCI_CONFIG, WHAT_USER
from scanner.domain.evidence import declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import Account, advice, run_as_account, someone_else
from scanner.domain.identity import Runtime, StartError
from scanner.domain.printable import printable, quoted
from scanner.domain.reading import Kind, Reading, read
from scanner.domain.resolution import resolve_facts
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A name in either half of USER that no line of its file has."""
    reading = read(facts)
    if reading.passwd_problem or reading.group_problem:
        return unknown(reading.why_not)
    missing = _missing(reading)
    if missing:
        said = f"{' and '.join(missing)}. Docker does not start it."
        return Finding(Outcome.VIOLATED, said, (_evidence(facts, reading),), _fix(facts, reading, said))
    if isinstance(reading.answer, StartError):
        if Kind.OUT_OF_RANGE in (reading.user.kind, reading.group.kind):
            return not_applicable("USER holds a number out of range, which is not looked up.")
        return unknown(reading.why_not)
    elsewhere = resolve_facts(Runtime.KUBERNETES, facts).answer
    if isinstance(elsewhere, StartError):
        return unknown(f"Docker starts it, Kubernetes does not: {printable(elsewhere.message, longest=500)}.")
    return ok()


def _missing(reading: Reading) -> list[str]:
    missing = []
    if reading.user.kind is Kind.NAME and reading.entry is None:
        missing.append(f"The user {quoted(reading.user.text)} is not in `/etc/passwd`")
    if reading.group.kind is Kind.NAME and reading.group_entry is None:
        missing.append(f"The group {quoted(reading.group.text)} is not in `/etc/group`")
    return missing


def _evidence(facts: ImageFacts, reading: Reading) -> Evidence:
    user_missing = reading.user.kind is Kind.NAME and reading.entry is None
    file = facts.passwd if user_missing else facts.group
    words = reading.answer.message if isinstance(reading.answer, StartError) else None
    return {
        **declared(facts),
        "path": file.path,
        "state": file.state,
        "message": None if words is None else printable(words, longest=500),
    }


def _fix(facts: ImageFacts, reading: Reading, said: str) -> str:
    if reading.uid:
        line = reading.entry
        account = Account("app", reading.uid, max(line.gid, 0) if line else reading.uid, exists=True)
        prose = f"{said} Give the group by number, or leave it out."
        return advice(prose, [f"USER {account.uid}:{account.gid}"], account.uid, account.gid)
    hint = " Names are compared exactly, blanks and capitals included."
    return run_as_account(facts, said + hint, someone_else(facts))


RULE = Rule(
    id="NR104",
    slug="user-unknown",
    title="Names a user or group that does not exist",
    why="Docker refuses to start it, and what other platforms make of it depends on the platform.",
    severity=Severity.HIGH,
    references=(WHAT_USER, GO_ACCOUNT_PARSER, OCI_CONFIG, NIST_800_190),
    violating=Example("The account is in another stage", "FROM scratch\nCOPY --from=build /server /server\nUSER app"),
    fine=Example("A number needs no account", "FROM scratch\nCOPY --from=build /server /server\nUSER 10001:10001"),
    check=check,
    decided=(
        "A half of USER that is not an integer is a name. It is compared byte for byte with the names in the image's "
        "`/etc/passwd` or `/etc/group`; a missing file is an empty one. ` app`, `APP` and `0x3e8` are names too. "
        "Kubernetes drops the group half, so an unknown group stops only Docker and its like. Where Kubernetes alone "
        "cannot read the files (a folder in place of `/etc/passwd`), nobody can say who it would be."
    ),
)
