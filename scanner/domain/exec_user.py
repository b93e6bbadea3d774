"""Docker's way from a USER string to ids: ``GetExecUser`` of moby/sys ``user``, in its two released behaviours.

In words: split at the colon; a half that is a number is an id, anything else is a name. The first passwd line with that
name or uid gives uid, gid and home; a number without a line keeps its uid and gets **gid 0**. Without an explicit
group, every group that lists the *name* of the matched line is added; with one, none is. Missing files are empty files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from scanner.domain import accounts
from scanner.domain.accounts import AccountBytes, PasswdEntry
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.user_spec import MAX_ID, NotANumber, OutOfRange, UserSpec, parse_int64, to_uint32

OUT_OF_RANGE = "uids and gids must be in range 0-2147483647"

MOST_GROUPS = 65_536
"""Linux takes no more supplementary groups (``NGROUPS_MAX``), so there is no use in reading on."""

PASSWD = "/etc/passwd"
GROUP = "/etc/group"


class Version(Enum):
    """0.4.1 refuses numbers out of range at once and bounds group lines; 0.4.0 does neither."""

    V0_4_0 = "0.4.0"
    V0_4_1 = "0.4.1"


@dataclass(frozen=True, slots=True)
class ExecUser:
    """Ids as parsed, before they are cut to 32 bits."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@dataclass(frozen=True, slots=True)
class _Half:
    """One half of USER: ``number`` is ``None`` for a name."""

    text: str
    number: int | None


def exec_user(spec: UserSpec, files: AccountBytes, version: Version, trail: Trail) -> ExecUser:
    """Resolve as ``GetExecUser`` does with nil defaults.

    :raises StartRefused: in the library's own words.
    """
    user = _read_half(spec.user, version)
    group = _read_half(spec.group, version)
    _tell_user_half(user, trail)
    refuse_passwd(files, f"unable to find user {user.text if user else '0'}: ")
    entry = _find_user(user, files.passwd)
    found = _from_entry(entry, user, trail)
    if group is None and (entry is None or not entry.name):
        return found
    name = entry.name if entry is not None else ""
    refuse_group(files, f"unable to find groups for spec {name}: ", lines_bounded=version is Version.V0_4_1)
    if group is not None:
        return ExecUser(found.uid, _explicit_gid(group, files.group, trail), (), found.home)
    return ExecUser(found.uid, found.gid, supplementary(name, files.group, trail), found.home)


def refuse_passwd(files: AccountBytes, prefix: str) -> None:
    """Refuse where reading ``/etc/passwd`` ends in an error; Go's scanner gives up wherever the long line is.

    :raises StartRefused: in the words of Go, behind the prefix.
    """
    fault = files.passwd_fault
    if files.passwd is not None and accounts.long_line(files.passwd, accounts.PASSWD_LINE_BYTES):
        fault = accounts.TOKEN_TOO_LONG
    if fault:
        raise StartRefused(prefix + fault)


def refuse_group(files: AccountBytes, prefix: str, *, lines_bounded: bool) -> None:
    """The same for ``/etc/group``.

    :raises StartRefused: in the words of Go, behind the prefix.
    """
    fault = files.group_fault
    if files.group is not None and lines_bounded and accounts.long_line(files.group, accounts.GROUP_LINE_BYTES):
        fault = accounts.TOKEN_TOO_LONG
    if fault:
        raise StartRefused(prefix + fault)


def _read_half(text: str, version: Version) -> _Half | None:
    if not text:
        return None
    try:
        number = parse_int64(accounts.encode(text))
    except NotANumber:
        return _Half(text, None)
    except OutOfRange:
        if version is Version.V0_4_0:
            return _Half(text, None)
        raise StartRefused(OUT_OF_RANGE) from None
    if version is Version.V0_4_1:
        _check_range(number)
    return _Half(text, number)


def _check_range(number: int) -> None:
    if not 0 <= number <= MAX_ID:
        raise StartRefused(OUT_OF_RANGE)


def _tell_user_half(user: _Half | None, trail: Trail) -> None:
    if user is None:
        trail.say("USER names nobody, so the container starts as uid 0")
    elif user.number is None:
        trail.say(f'"{user.text}" is not a number, so it is looked up by name in {PASSWD}')
    else:
        trail.say(f'"{user.text}" is the number {user.number}, so the uid is {user.number}')


def _find_user(user: _Half | None, passwd: bytes | None) -> PasswdEntry | None:
    if passwd is None:
        return None
    if user is not None and user.number is None:
        return accounts.first_user_named(passwd, user.text)
    return accounts.first_user_with_uid(passwd, user.number if user and user.number is not None else 0)


def _from_entry(entry: PasswdEntry | None, user: _Half | None, trail: Trail) -> ExecUser:
    if entry is not None:
        tell_entry(entry, trail)
        return ExecUser(entry.uid, entry.gid, (), entry.home)
    if user is None:
        trail.say(f"no line of {PASSWD} has uid 0, so the gid is 0")
        return ExecUser(0, 0, (), "")
    if user.number is None:
        raise StartRefused(f"unable to find user {user.text}: no matching entries in passwd file")
    _check_range(user.number)
    trail.say(f"no line of {PASSWD} has uid {user.number}, so the gid is 0, the root group")
    return ExecUser(user.number, 0, (), "")


def tell_entry(entry: PasswdEntry, trail: Trail) -> None:
    """Say which passwd line decided, and which of its fields did not say what they seem to."""
    fields = entry.text.split(":")
    odd = _odd_field("uid", fields, 2, entry.uid) + _odd_field("gid", fields, 3, entry.gid)
    ids = f"uid {to_uint32(entry.uid)}, gid {to_uint32(entry.gid)}"
    trail.show(f"line {entry.line} of {PASSWD} gives {ids}{odd}", PASSWD, entry.line, entry.text)


def _odd_field(kind: str, fields: list[str], position: int, parsed: int) -> str:
    if len(fields) <= position:
        return f"; it has no {kind} field, which counts as 0"
    if parsed != to_uint32(parsed):
        return f"; its {kind} {fields[position][:40]} does not fit into 32 bits"
    if parsed == 0 and not _is_number(fields[position]):
        return f'; its {kind} field "{fields[position][:40]}" is not a number, which counts as 0'
    return ""


def _is_number(text: str) -> bool:
    try:
        parse_int64(accounts.encode(text))
    except NotANumber:
        return False
    return True


def _explicit_gid(group: _Half, data: bytes | None, trail: Trail) -> int:
    if group.number is not None:
        trail.say(f'the group "{group.text}" is the number {group.number}, so the gid is {group.number}')
        if data is None or accounts.first_group_with_gid(data, group.number) is None:
            _check_range(group.number)
        return group.number
    found = accounts.first_group_named(data, group.text) if data is not None else None
    if found is None:
        raise StartRefused(f"unable to find group {group.text}: no matching entries in group file")
    trail.show(
        f"line {found.line} of {GROUP} gives gid {to_uint32(found.gid)} for the group {group.text}",
        GROUP,
        found.line,
        found.text,
    )
    return found.gid


def supplementary(
    member: str, data: bytes | None, trail: Trail, skip: Callable[[str], bool] = lambda name: False
) -> tuple[int, ...]:
    """The gid of every group that lists the member, in file order, duplicates kept.

    :param skip: leaves out groups by name, for containerd.
    """
    gids: list[int] = []
    for entry in accounts.groups_of(data, member) if data is not None else ():
        if skip(entry.name):
            continue
        gids.append(entry.gid)
        if len(gids) <= _TOLD:
            text = f"line {entry.line} of {GROUP} lists {member}, which adds gid {to_uint32(entry.gid)}"
            trail.show(text, GROUP, entry.line, entry.text)
        if len(gids) >= MOST_GROUPS:
            break
    if len(gids) > _TOLD:
        trail.say(f"{len(gids) - _TOLD} more groups list {member}")
    return tuple(gids)


_TOLD = 20
