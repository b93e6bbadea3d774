"""NR109: a number without a line in the image's ``/etc/passwd``."""

from __future__ import annotations

from scanner.domain.citations import NON_PRIVILEGED, RANDOM_IDS
from scanner.domain.evidence import declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import Account, advice, base_family, create_account
from scanner.domain.identity import Identity
from scanner.domain.printable import quoted
from scanner.domain.reading import Reading, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Outcome, Severity

_HOME = "HOME="


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A uid that is not root's and that no line has."""
    reading = read(facts)
    if reading.uid is None:
        return unknown(reading.why_not)
    if reading.is_root:
        return not_applicable("It runs as root, which NR101 to NR103 say.")
    if reading.entry is not None:
        return ok()
    said = f"No line of `/etc/passwd` has uid {reading.uid}, so `whoami` fails and {_home(facts)}."
    evidence = {**declared(facts), "path": facts.passwd.path, "state": facts.passwd.state}
    return Finding(Outcome.VIOLATED, said, (evidence,), _fix(facts, reading, said))


def _declared_home(facts: ImageFacts) -> str:
    homes = [item for item in facts.config.env if item.startswith(_HOME)]
    return homes[-1].removeprefix(_HOME) if homes else ""


def _home(facts: ImageFacts) -> str:
    home = _declared_home(facts)
    if home:
        return f"only the environment says where HOME is: {quoted(home)}"
    return "HOME is `/` on Docker, WORKDIR on Podman, and what CRI-O makes up on OpenShift"


def _fix(facts: ImageFacts, reading: Reading, said: str) -> str:
    uid = reading.uid or 0
    answer = reading.answer
    gid = answer.gid if isinstance(answer, Identity) and answer.gid else uid
    family = base_family(facts)
    lines = create_account(family, Account("app", uid, gid, exists=False))
    lines += [] if _declared_home(facts) else ["ENV HOME=/tmp"]
    lines.append(f"USER {uid}:{gid}")
    how = "Make the account:" if family.has_shell else "Copy an `/etc/passwd` with the account from a build stage:"
    return advice(f"{said} {how}", lines, uid, gid)


RULE = Rule(
    id="NR109",
    slug="uid-without-account",
    title="Runs under a uid without an account",
    why="Programs that look up their own user fail, and HOME is a folder the process cannot write to.",
    severity=Severity.LOW,
    references=(NON_PRIVILEGED, RANDOM_IDS),
    violating=Example("A number nobody has", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    fine=Example(
        "The account is in the image",
        "FROM debian:12\nRUN useradd --uid 10001 --user-group app\nUSER 10001:10001\nCMD server",
    ),
    check=check,
    decided=(
        "The uid Docker gives the process is looked up in the image's `/etc/passwd`, where the first line with that "
        "uid counts; a missing file is an empty one. A name always has a line, or it is unknown (NR104). That nobody "
        "has the uid is how OpenShift runs every image, so the rule is a hint that programs may stumble, no more."
    ),
)
