"""NR404: the user it runs as becomes root by asking for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from scanner.domain.accounts import GroupEntry, first_group_named, first_user_with_uid, group_entries, groups_of
from scanner.domain.citations import (
    CIS_PRIVILEGES,
    DKL_DI_0001,
    DL3004,
    DS_0010,
    NIST_800_190,
    POD_ESCALATION,
    SUDOERS_5,
)
from scanner.domain.evidence import declared
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN, NOT_READ, file_place
from scanner.domain.file_fixes import (
    BEFORE_USER,
    NO_ESCALATION_COMPOSE,
    NO_ESCALATION_KUBERNETES,
    in_build_stage,
    remedy,
)
from scanner.domain.files import FileFacts
from scanner.domain.fixes import BaseFamily, base_family, safe_path
from scanner.domain.identity import Identity
from scanner.domain.printable import printable, quoted
from scanner.domain.reading import Reading, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.sudo_rights import Granted, Rights, SudoUser, without_password
from scanner.domain.user_spec import to_uint32
from scanner.domain.verdict import Evidence, Outcome, Severity

_SETUID = 0o4000
_MOST_MEMBERSHIPS = 1_000
_MOST_GROUPS = 20_000
_REMOVE = {
    BaseFamily.DEBIAN: "apt-get purge -y sudo",
    BaseFamily.REDHAT: "rpm -e sudo",
    BaseFamily.ALPINE: "apk del sudo",
}


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Read every sudoers file for the user Docker starts, with the groups it has there or on Kubernetes."""
    if facts.files is None:
        return unknown(NOT_READ)
    if not facts.files.sudoers:
        return ok()
    reading = read(facts)
    if reading.uid is None:
        return unknown(reading.why_not)
    if reading.is_root:
        return not_applicable("It runs as root, which NR101 to NR103 say.")
    user = _user(facts, reading, reading.uid)
    rights = without_password(facts.files.sudoers, user)
    if rights.granted:
        said = _said(reading, rights.granted, user) + _whether_it_works(facts.files, user)
        return Finding(Outcome.VIOLATED, said, tuple(_evidence(facts, rights)), _fix(facts, said, rights))
    if rights.doubt:
        return unknown(f"Sudoers may grant more: {printable(rights.doubt, longest=300)}.")
    return unknown(f"{reading.group_problem}.") if reading.group_problem else ok()


def _user(facts: ImageFacts, reading: Reading, uid: int) -> SudoUser:
    passwd, groups = facts.passwd.as_read() or b"", facts.group.as_read() or b""
    entries = [entry for entry in (reading.entry, first_user_with_uid(passwd, uid)) if entry is not None]
    names = frozenset(entry.name for entry in entries)
    identity = reading.answer if isinstance(reading.answer, Identity) else reading.alone
    gids = {to_uint32(entry.gid) for entry in entries}
    if isinstance(identity, Identity):
        gids |= {identity.gid, *identity.groups}
    # Kubernetes drops the group half of USER, and then memberships count that Docker leaves out.
    for name in names:
        gids |= {
            to_uint32(group.gid) for group, _ in zip(groups_of(groups, name), range(_MOST_MEMBERSHIPS), strict=False)
        }

    def is_mine(group: GroupEntry) -> bool:
        return to_uint32(group.gid) in gids or not names.isdisjoint(group.members)

    @cache
    def mine() -> frozenset[str]:
        lines = zip(group_entries(groups), range(_MOST_GROUPS), strict=False)
        return frozenset(group.name.lower() for group, _ in lines if is_mine(group))

    def in_group(name: str) -> bool:
        found = first_group_named(groups, name)
        return name.lower() in mine() or (found is not None and is_mine(found))

    return SudoUser(uid, frozenset(gids), frozenset(name.lower() for name in names), in_group)


def _said(reading: Reading, granted: tuple[Granted, ...], user: SudoUser) -> str:
    who = quoted(min(user.names)) if user.names else f"uid {reading.uid}"
    first = granted[0]
    what = "anything" if first.command.text == "ALL" else quoted(first.command.text)
    target = ", ".join(quoted(name) for name in first.command.runas[:3] if name not in ("ALL", ":")) or "root"
    more = f", and {len(granted) - 1:,} more" if len(granted) > 1 else ""
    where = f"line {first.line} of {quoted(first.place.path)}"
    return f"With sudo, {who} may run {what} as {target} without a password: {where}{more}."


def _whether_it_works(files: FileFacts, user: SudoUser) -> str:
    works = any(
        file.place.path.endswith("/sudo") and file.place.node.mode & _SETUID and file.place.node.uid == 0
        for file in files.privileged
    )
    note = ""
    if not works and files.privileged_total == len(files.privileged):
        note = " No setuid `sudo` was found in the image, so nothing makes use of it yet."
    if not user.names:
        note += " Sudo wants a line in `/etc/passwd` for the uid; Docker adds none, Podman and CRI-O do."
    return note


def _evidence(facts: ImageFacts, rights: Rights) -> Iterator[Evidence]:
    lines = {(each.place, each.line): each.text for each in rights.granted}
    lines |= {(place, setting.line): setting.text for place, setting in rights.settings}
    for (place, line), text in list(lines.items())[: MOST_SHOWN - 1]:
        yield {**file_place(facts, place, printable(text, longest=300)), "line": line}
    yield declared(facts)


def _fix(facts: ImageFacts, said: str, rights: Rights) -> str:
    family = base_family(facts)
    paths = dict.fromkeys([each.place.path for each in rights.granted] + [place.path for place, _ in rights.settings])
    safe = [path for path in paths if safe_path(path)][:MOST_SHOWN]
    lines = []
    if safe and family.has_shell:
        edits = "-e 's/NOPASSWD[[:space:]]*:/PASSWD:/g' -e '/authenticate/d' -e '/exempt_group/d'"
        lines = [BEFORE_USER, f"RUN sed -i {edits} {' '.join(safe)}"]
    instead = f" Better still, remove sudo: `RUN {_REMOVE[family]}`." if family in _REMOVE else ""
    elsewhere = in_build_stage(facts, "leave the file out.")
    prose = (
        f"{said} A server needs no sudo; what needs root belongs in a RUN while building.{instead} Otherwise take the "
        f"grant away:{elsewhere}"
    )
    return remedy(prose, lines, NO_ESCALATION_KUBERNETES, NO_ESCALATION_COMPOSE)


RULE = Rule(
    id="NR404",
    slug="passwordless-sudo",
    title="Becomes root with sudo and no password",
    why="The USER is not root, and one word makes it root, for an attacker just as for the person who wanted comfort.",
    severity=Severity.HIGH,
    references=(SUDOERS_5, NIST_800_190, CIS_PRIVILEGES, POD_ESCALATION, DKL_DI_0001, DS_0010, DL3004),
    violating=Example(
        "Comfort for developers",
        "FROM debian:12\nRUN apt-get update && apt-get install -y sudo && useradd --uid 10001 app \\\n"
        ' && echo "app ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/app\nUSER 10001',
    ),
    fine=Example(
        "Root while building only", "FROM debian:12\nRUN install-things && useradd --uid 10001 app\nUSER 10001"
    ),
    check=check,
    decided=(
        "`/etc/sudoers` is read as sudo does, with what it includes, aliases, joined lines, escapes, tags that hold to "
        "the end of a list, `!authenticate` and `exempt_group`. It is asked for the user the image declares, by name, "
        "uid and every group it has on Docker or gets on Kubernetes; of several entries the last one counts. Host "
        "names are not compared. Whether a setuid `sudo` is there is said, and does not change the answer: installing "
        "one is a line in somebody's Dockerfile."
    ),
)
