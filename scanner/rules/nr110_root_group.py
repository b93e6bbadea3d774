"""NR110: the process is a member of group 0."""

from __future__ import annotations

from itertools import islice

from scanner.domain.accounts import GroupEntry, groups_of
from scanner.domain.citations import FRIENDS, KSV_0116, NIST_800_190, NSA_CISA, RANDOM_IDS, STOP_ROOT
from scanner.domain.evidence import account_line, declared
from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import BEFORE_USER
from scanner.domain.fixes import BaseFamily, advice, base_family, own_group, safe_name
from scanner.domain.identity import Identity
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, Reading, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.user_spec import to_uint32
from scanner.domain.verdict import Evidence, Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Gid 0, or 0 among the supplementary groups, for a process that is not root."""
    reading = read(facts)
    if not isinstance(reading.answer, Identity):
        return unknown(reading.why_not)
    if reading.is_root:
        return not_applicable("It runs as root, which NR101 to NR103 say.")
    if reading.answer.gid != 0 and 0 not in reading.answer.groups:
        return ok()
    how, evidence = _how(facts, reading, reading.answer)
    said = f"It runs as uid {reading.uid} in group 0: {how}"
    return Finding(Outcome.VIOLATED, said, (declared(facts), *evidence), _fix(facts, reading, said))


def _how(facts: ImageFacts, reading: Reading, identity: Identity) -> tuple[str, list[Evidence]]:
    if identity.gid != 0:
        return _member(facts, reading)
    if reading.group.kind is not Kind.EMPTY:
        lines = [account_line(facts, facts.group, reading.group_entry)] if reading.group_entry else []
        return f"USER asks for it with {quoted(reading.group.text)}.", lines
    if reading.entry is None:
        return f"no line of `/etc/passwd` has uid {reading.uid}, so it fell back to gid 0.", []
    return "the account's primary group is 0.", [account_line(facts, facts.passwd, reading.entry)]


def _member(facts: ImageFacts, reading: Reading) -> tuple[str, list[Evidence]]:
    lines = _memberships(facts, reading)
    names = ", ".join(quoted(group.name) for group in lines)
    return f"{names} in `/etc/group` lists the account.", [account_line(facts, facts.group, line) for line in lines]


def _memberships(facts: ImageFacts, reading: Reading) -> list[GroupEntry]:
    """The first lines of ``/etc/group`` that make the account a member of group 0."""
    if reading.entry is None:
        return []
    members = groups_of(facts.group.as_read() or b"", reading.entry.name)
    return list(islice((group for group in members if to_uint32(group.gid) == 0), 3))


def _fix(facts: ImageFacts, reading: Reading, said: str) -> str:
    uid = reading.uid or 0
    gid = own_group(uid, reading.entry)
    prose = (
        f"{said} Group 0 is what OpenShift gives to arbitrary uids, so it may be meant. Where it is not, name a group. "
        "Kubernetes drops the group half of USER: set `runAsGroup` there as well."
    )
    groups = _memberships(facts, reading)
    if groups:
        prose += (
            " Take the account out of the group in `/etc/group` as well: Kubernetes adds its memberships there, "
            "whatever group is named."
        )
    return advice(prose, [*_leave(facts, reading, groups), f"USER {uid}:{gid}"], uid, gid)


def _leave(facts: ImageFacts, reading: Reading, groups: list[GroupEntry]) -> list[str]:
    """Dockerfile lines that end memberships; none where no command can run, or a name cannot stand in one."""
    family = base_family(facts)
    account = safe_name(reading.entry.name, "") if reading.entry else ""
    names = [name for name in dict.fromkeys(safe_name(group.name, "") for group in groups) if name]
    if not (account and names and family.has_shell):
        return []
    if family is BaseFamily.ALPINE:
        return [BEFORE_USER, *(f"RUN delgroup {account} {name}" for name in names)]
    return [BEFORE_USER, *(f"RUN gpasswd --delete {account} {name}" for name in names)]


RULE = Rule(
    id="NR110",
    slug="root-group",
    title="Runs in the root group",
    why="Every file that group root may read or write is open to the process, and a “non-root” badge hides it.",
    severity=Severity.LOW,
    references=(STOP_ROOT, RANDOM_IDS, FRIENDS, NIST_800_190, NSA_CISA, KSV_0116),
    violating=Example("A uid without an account falls back to gid 0", "FROM debian:12\nUSER 9000\nCMD server"),
    fine=Example("The group written out", "FROM debian:12\nUSER 9000:9000\nCMD server"),
    check=check,
    decided=(
        "The gid Docker gives the process is 0 when USER asks for it, when the account's primary group is 0, or when "
        "the uid has no line in `/etc/passwd` and no group was named. Memberships in `/etc/group` count too. "
        "OpenShift wants group 0; other policies show it, and only *strict* counts it."
    ),
)
