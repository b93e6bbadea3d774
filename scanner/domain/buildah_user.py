"""Who a ``RUN`` instruction runs as under Buildah, which has a parser of its own: ``pkg/chrootuser``.

It **stops at the first odd line**: a passwd line without exactly seven fields or with an id that is no plain 32 bit
number, comments and blank lines included, hides every account behind it. Ids reach to 4294967295. Supplementary groups
go by *substring*: ``app`` is a member wherever ``webapp`` is. USER with a colon gets none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.domain.accounts import PASSWD_LINE_BYTES, AccountBytes, decode, encode, trim_space
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.exec_user import GROUP, MOST_GROUPS, PASSWD, ExecUser
from scanner.domain.home import FROM_ENVIRONMENT, Surroundings
from scanner.domain.user_spec import NotANumber, go_quote, parse_uint32

_PASSWD_FIELDS = 7
_GROUP_FIELDS = 4


@dataclass(frozen=True, slots=True)
class _Line:
    """One line Buildah understood; ``last`` is the home of a passwd line, the members of a group line."""

    name: bytes
    uid: int
    gid: int
    last: bytes
    number: int
    text: str


def buildah_user(text: str, files: AccountBytes, around: Surroundings, trail: Trail) -> ExecUser:
    """Resolve USER as Buildah does before ``RUN``, HOME included.

    :raises StartRefused: in Buildah's words.
    """
    _refuse(files.passwd_fault)
    user, colon, group = text.partition(":")
    uid, gid = _ids_of(user or "0", files, trail)
    if group:
        gid = _gid_of(group, files, trail)
    groups = () if colon else _groups_of(uid, files, trail)
    return ExecUser(uid, gid, groups, _home(uid, files, around, trail))


def _refuse(fault: str) -> None:
    if fault:
        raise StartRefused(fault)


def _ids_of(user: str, files: AccountBytes, trail: Trail) -> tuple[int, int]:
    try:
        uid = parse_uint32(encode(user))
    except NotANumber:
        trail.say(f'"{user}" is not a plain number, so it is looked up by name in {PASSWD}')
        named = encode(user)
        found = next((line for line in _passwd(files.passwd) if line.name == named), None)
        if found is None:
            words = f"user: unknown user error looking up user {go_quote(user)}"
            raise StartRefused(f"determining run uid: {words}") from None
    else:
        found = _with_uid(uid, files)
        if found is None:
            trail.say(f"no line of {PASSWD} that Buildah reads has uid {uid}, so the gid is 0, the root group")
            return uid, 0
    told = f"line {found.number} of {PASSWD} gives uid {found.uid}, gid {found.gid}"
    trail.show(told, PASSWD, found.number, found.text)
    return found.uid, found.gid


def _gid_of(group: str, files: AccountBytes, trail: Trail) -> int:
    try:
        gid = parse_uint32(encode(group))
    except NotANumber:
        _refuse(files.group_fault)
        named = encode(group)
        found = next((line for line in _group(files.group) if line.name == named), None)
    else:
        trail.say(f'the group "{group}" is the number {gid}, so the gid is {gid}')
        return gid
    if found is None:
        words = f"group: unknown group error looking up group {go_quote(group)}"
        raise StartRefused(f"determining run gid: {words}")
    trail.show(f"line {found.number} of {GROUP} gives gid {found.gid}", GROUP, found.number, found.text)
    return found.gid


def _groups_of(uid: int, files: AccountBytes, trail: Trail) -> tuple[int, ...]:
    account = _with_uid(uid, files)
    if account is None:
        return ()
    _refuse(files.group_fault)
    gids: list[int] = []
    for line in _group(files.group):
        if account.name in line.last:
            gids.append(line.gid)
            trail.show(f"line {line.number} of {GROUP} adds gid {line.gid}", GROUP, line.number, line.text)
        if len(gids) >= MOST_GROUPS:
            break
    return tuple(gids)


def _home(uid: int, files: AccountBytes, around: Surroundings, trail: Trail) -> str:
    if around.home:
        trail.say(f"HOME is {around.home}, {FROM_ENVIRONMENT}")
        return around.home
    account = _with_uid(uid, files)
    home = "/" if account is None else decode(account.last)
    trail.say(f'HOME is "{home}", from the first line of /etc/passwd with uid {uid}, or "/" without one')
    return home


def _with_uid(uid: int, files: AccountBytes) -> _Line | None:
    return next((line for line in _passwd(files.passwd) if line.uid == uid), None)


def _passwd(data: bytes | None) -> Iterator[_Line]:
    for number, raw in _lines(data):
        fields = raw.split(b":", _PASSWD_FIELDS)
        if len(fields) != _PASSWD_FIELDS:
            return
        try:
            yield _Line(fields[0], parse_uint32(fields[2]), parse_uint32(fields[3]), fields[5], number, decode(raw))
        except NotANumber:
            return


def _group(data: bytes | None) -> Iterator[_Line]:
    for number, raw in _lines(data):
        if trim_space(raw).startswith(b"#"):
            continue
        fields = raw.split(b":", _GROUP_FIELDS)
        if len(fields) != _GROUP_FIELDS:
            return
        try:
            yield _Line(fields[0], 0, parse_uint32(fields[2]), fields[3], number, decode(raw))
        except NotANumber:
            return


def _lines(data: bytes | None) -> Iterator[tuple[int, bytes]]:
    """Lines as Go's scanner cuts them, until one is too long for it: Buildah does not ask why it ended."""
    start, number = 0, 0
    while data is not None and start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if end - start >= PASSWD_LINE_BYTES:
            return
        number += 1
        yield number, data[start:end].removesuffix(b"\r")
        start = end + 1
