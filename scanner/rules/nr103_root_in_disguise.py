"""NR103: USER names somebody, and that somebody is root."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.domain.accounts import PasswdEntry
from scanner.domain.citations import CIS_4_1, GO_ACCOUNT_PARSER, NIST_800_190, NSA_CISA, PASSWD_5, WHAT_USER
from scanner.domain.evidence import account_line, declared, layer_at, layer_number, made_by
from scanner.domain.execution import MOST_PATH_FOLDERS, NOT_SEARCHED, root_command
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import file_place, owner_and_mode
from scanner.domain.file_fixes import (
    NO_ESCALATION_COMPOSE,
    NO_ESCALATION_KUBERNETES,
    in_build_stage,
    remedy,
    run_on,
)
from scanner.domain.fixes import Account, run_as_account, safe_name, someone_else
from scanner.domain.identity import Identity, Runtime
from scanner.domain.permissions import Process
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, Reading, accounts_of, read
from scanner.domain.resolution import resolve_facts
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.user_spec import to_uint32
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A uid of 0 that neither the absence of a USER nor its spelling explains."""
    reading = read(facts)
    says_root = reading.user.kind is Kind.EMPTY or reading.user.number == 0
    if reading.uid is None and not says_root:
        return unknown(reading.why_not)
    if says_root or (reading.user.text == "root" and reading.is_root):
        return ok()
    if not reading.is_root:
        return _command(facts, reading)
    evidence = [declared(facts)]
    if reading.entry is not None:
        evidence.insert(0, account_line(facts, facts.passwd, reading.entry))
    said = f"USER {quoted(reading.user.text)} is uid 0: {_how(facts, reading.entry)}"
    return Finding(Outcome.VIOLATED, said, tuple(evidence), _fix(facts, reading, said))


def _command(facts: ImageFacts, reading: Reading) -> Finding:
    """An ordinary user whose command is setuid root: the kernel makes its process root all the same."""
    place = next(filter(None, (root_command(facts, process) for process in _processes(facts, reading))), None)
    if place is None:
        return unknown(NOT_SEARCHED) if _not_searched(facts) else ok()
    said = (
        f"The command {quoted(place.path)} is setuid root, so its process has the effective uid 0 although USER is "
        f"uid {reading.uid}. Only `no_new_privileges` stops that."
    )
    lines = run_on(facts, "chmod u-s", [place.path])
    prose = said + in_build_stage(facts, "take the bit away in the build stage the file is copied from.")
    fix = remedy(prose, lines, NO_ESCALATION_KUBERNETES, NO_ESCALATION_COMPOSE)
    evidence = (file_place(facts, place, owner_and_mode(place.node)), declared(facts))
    return Finding(Outcome.VIOLATED, said, evidence, fix)


def _not_searched(facts: ImageFacts) -> bool:
    searched = facts.files is None or facts.files.entry_point is not None
    return not searched and (facts.config.environment("PATH") or "").count(":") >= MOST_PATH_FOLDERS


def _processes(facts: ImageFacts, reading: Reading) -> Iterator[Process]:
    """It on Docker, and on Kubernetes, where it may be in groups that are allowed to execute more."""
    here = reading.answer if isinstance(reading.answer, Identity) else reading.alone
    for answer in (here, resolve_facts(Runtime.KUBERNETES, facts).answer):
        if isinstance(answer, Identity):
            yield Process(answer.uid, frozenset((answer.gid, *answer.groups)))


def _how(facts: ImageFacts, entry: PasswdEntry | None) -> str:
    if entry is None:
        return "the runtime resolves it so."
    fields = entry.text.split(":")
    written = fields[2] if len(fields) > 2 else ""
    where = f"line {entry.line} of `/etc/passwd`"
    if entry.uid != 0:
        return f"{where} says uid {quoted(written)}, of which 32 bits are 0."
    if written.strip("+-0") == "" and written.strip("+-"):
        return f"{where} gives it uid 0."
    return f"{where} has {quoted(written)} where the uid belongs; that is not a number, and runtimes take it as 0."


def _fix(facts: ImageFacts, reading: Reading, said: str) -> str:
    earlier = _before(facts, reading.user.text)
    layer = layer_at(facts, facts.passwd.layer)
    maker = made_by(layer)
    blame = f" Layer {layer_number(layer)} wrote that line" if layer else ""
    blame += f", made by {quoted(maker)}; remove or correct it." if maker else "." if layer else ""
    if earlier is None:
        return run_as_account(facts, said + blame, someone_else(facts))
    account = Account(safe_name(earlier.name), earlier.uid, earlier.gid, exists=False)
    opening = f"{said}{blame} Before that the account had uid {earlier.uid}."
    return run_as_account(facts, opening, account, create=False)


def _before(facts: ImageFacts, name: str) -> PasswdEntry | None:
    """The newest earlier line of the account that was not root."""
    for version in reversed(facts.passwd.versions):
        for entry in accounts_of(version.content):
            if entry.name == name and 0 < to_uint32(entry.uid) == entry.uid < 2**31 and 0 <= entry.gid < 2**31:
                return entry
    return None


RULE = Rule(
    id="NR103",
    slug="root-in-disguise",
    title="Runs as root under another name",
    why="USER names an ordinary account, every tool that reads the config believes it, and the process is root anyway.",
    severity=Severity.CRITICAL,
    references=(WHAT_USER, GO_ACCOUNT_PARSER, CIS_4_1, NIST_800_190, NSA_CISA, PASSWD_5),
    violating=Example(
        "An account remapped to 0 after it was made",
        "FROM debian:12\nRUN useradd --uid 1001 app\nRUN sed -i -e 's/1001/0/g' /etc/passwd\nUSER app",
    ),
    fine=Example("The number instead of the name", "FROM debian:12\nRUN useradd --uid 1001 app\nUSER 1001:1001"),
    check=check,
    decided=(
        "The name is looked up in the image's own `/etc/passwd`, as the runtimes do: first match, fields parsed "
        "leniently. A uid that is empty, padded with a blank or not a number is 0; 4294967296 is cut to 32 bits and is "
        "0; comment lines and NIS lines (`+::::::`) are accounts with uid 0. The group half of USER plays no part. "
        "An ordinary user whose command is a setuid program of root counts too: the kernel starts it with the "
        "effective uid 0."
    ),
)
