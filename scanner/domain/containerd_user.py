"""Who containerd makes of a USER string: started with ``ctr`` or ``nerdctl``, and behind kubelet.

It has a look-up of its own, here with CVE-2024-40635 and CVE-2026-46680 fixed: numbers out of range are refused, never
taken for names. An empty group half is **gid 0**, not the primary group: ``USER app:`` is 1000:1000 on Docker and
1000:0 here. Groups that list the user are added even where USER names a group; those that *have* the user's name are
not. Source: containerd ``pkg/oci/spec_opts.go`` (``WithUser``, ``WithAdditionalGIDs``) and ``internal/cri``.
"""

from __future__ import annotations

from scanner.domain import accounts
from scanner.domain.accounts import AccountBytes, PasswdEntry
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.exec_user import GROUP, PASSWD, ExecUser, refuse_group, refuse_passwd, supplementary, tell_entry
from scanner.domain.kubelet_user import image_user as image_user
from scanner.domain.kubelet_user import what_kubelet_sends
from scanner.domain.user_spec import MAX_ID, NotANumber, OutOfRange, go_quote, parse_int64, to_uint32

NO_USERS = "no users found"
NO_GROUPS = "no groups found"
NO_PASSWD = "openat etc/passwd: no such file or directory"
NO_GROUP = "openat etc/group: no such file or directory"


def kubernetes_user(text: str, files: AccountBytes, trail: Trail) -> ExecUser:
    """Resolve the USER string as kubelet and containerd do together.

    :raises StartRefused: in containerd's words.
    """
    sent = what_kubelet_sends(text, trail)
    uid = _number(sent, sent, "uid")
    entry = _named(sent, files, trail) if uid is None else _with_uid(uid, files, trail)
    if entry is None:
        return ExecUser(uid or 0, 0, (), "")
    tell_entry(entry, trail)
    # Behind kubelet the groups are those of the name that was sent, not of the first name with its uid.
    name = sent if uid is None else entry.name
    return ExecUser(entry.uid, entry.gid, _groups_of(name, files, trail), entry.home)


def containerd_user(text: str, files: AccountBytes, trail: Trail) -> ExecUser:
    """Resolve the image's USER string as ``ctr run`` and ``nerdctl run`` do.

    :raises StartRefused: in containerd's words.
    """
    if not text:
        trail.say("the image has no USER, so the container starts as 0:0, with the groups of root")
        return ExecUser(0, 0, _groups_of("root", files, trail), "")
    halves = text.split(":")
    if len(halves) > 2:
        raise StartRefused(f"invalid USER value {text}")
    uid, gid = _one(text, files, trail) if len(halves) == 1 else _both(text, halves, files, trail)
    entry = _with_uid(uid, files, Trail())
    groups = _groups_of(entry.name, files, trail) if entry is not None else ()
    return ExecUser(uid, gid, groups, entry.home if entry is not None else "")


def _one(text: str, files: AccountBytes, trail: Trail) -> tuple[int, int]:
    uid = _number(text, text, "uid")
    entry = _named(text, files, trail) if uid is None else _with_uid(uid, files, trail)
    if entry is None:
        return uid or 0, 0
    tell_entry(entry, trail)
    return to_uint32(entry.uid), to_uint32(entry.gid)


def _both(text: str, halves: list[str], files: AccountBytes, trail: Trail) -> tuple[int, int]:
    uid, gid = _number(halves[0], text, "uid"), _number(halves[1], text, "gid")
    if uid is None:
        uid = _uid_of(halves[0], files, trail)
    else:
        trail.say(f'"{halves[0]}" is the number {uid}, so the uid is {uid}')
    if gid is None:
        gid = _gid_of(halves[1], files, trail)
    else:
        trail.say(f'the group "{halves[1]}" is the number {gid}, so the gid is {gid}')
    return uid, gid


def _uid_of(name: str, files: AccountBytes, trail: Trail) -> int:
    if not name:
        trail.say("the user half of USER is empty, so the uid is 0")
        return 0
    entry = _named(name, files, trail)
    tell_entry(entry, trail)
    return to_uint32(entry.uid)


def _gid_of(name: str, files: AccountBytes, trail: Trail) -> int:
    if not name:
        trail.say("the group half of USER is empty, which containerd takes for gid 0, the root group")
        return 0
    refuse_group(files, "", lines_bounded=True)
    if files.group is None:
        raise StartRefused(NO_GROUP)
    found = accounts.first_group_named(files.group, name)
    if found is None:
        raise StartRefused(NO_GROUPS)
    gid = to_uint32(found.gid)
    trail.show(f"line {found.line} of {GROUP} gives gid {gid} for the group {name}", GROUP, found.line, found.text)
    return gid


def _number(half: str, spec: str, kind: str) -> int | None:
    """The id a half says, or ``None`` where it is a name or empty."""
    try:
        number = parse_int64(accounts.encode(half))
    except NotANumber:
        return None
    except OutOfRange:
        number = -1
    if not 0 <= number <= MAX_ID:
        raise StartRefused(f"invalid USER value {go_quote(spec)}: {kind} out of range")
    return number


def _named(name: str, files: AccountBytes, trail: Trail) -> PasswdEntry:
    trail.say(f'"{name}" is not a number, so it is looked up by name in {PASSWD}')
    refuse_passwd(files, "")
    if files.passwd is None:
        raise StartRefused(NO_PASSWD)
    entry = accounts.first_user_named(files.passwd, name)
    if entry is None:
        raise StartRefused(NO_USERS)
    return entry


def _with_uid(uid: int, files: AccountBytes, trail: Trail) -> PasswdEntry | None:
    refuse_passwd(files, "")
    entry = accounts.first_user_with_uid(files.passwd, uid) if files.passwd is not None else None
    if entry is None:
        trail.say(f"no line of {PASSWD} has uid {uid}, so the gid is 0, the root group")
    return entry


def _groups_of(name: str, files: AccountBytes, trail: Trail) -> tuple[int, ...]:
    refuse_group(files, "", lines_bounded=True)
    return supplementary(name, files.group, trail, skip=lambda group: group == name)
