"""Who a Kubernetes pod without ``runAsUser`` runs as: what kubelet sends, and what containerd makes of it.

kubelet forwards the user half of USER only, so the image's group is dropped: ``USER 9999:9999`` is 9999:9999 on
Docker and **9999:0** here. containerd (with CVE-2026-46680 fixed) then looks the user up in the image, and adds the
groups that list the name, except groups that *have* that name.
"""

from __future__ import annotations

from scanner.domain import accounts
from scanner.domain.accounts import AccountBytes, PasswdEntry
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.exec_user import PASSWD, ExecUser, refuse_group, refuse_passwd, supplementary, tell_entry
from scanner.domain.user_spec import MAX_ID, NotANumber, OutOfRange, go_quote, parse_int64

NO_USERS = "no users found"
NO_PASSWD = "openat etc/passwd: no such file or directory"


def kubernetes_user(text: str, files: AccountBytes, trail: Trail) -> ExecUser:
    """Resolve the USER string as kubelet and containerd do together.

    :raises StartRefused: in containerd's words.
    """
    sent = _what_kubelet_sends(text, trail)
    try:
        uid = parse_int64(accounts.encode(sent))
    except OutOfRange:
        raise StartRefused(_uid_out_of_range(sent)) from None
    except NotANumber:
        return _by_name(sent, files, trail)
    if not 0 <= uid <= MAX_ID:
        raise StartRefused(_uid_out_of_range(sent))
    return _by_uid(uid, files, trail)


def image_user(text: str) -> int | str:
    """What the CRI tells kubelet of an image's USER: a uid, or a name; uid 0 where it names nobody.

    Source: ``getUserFromImage`` of containerd and CRI-O, and kubelet's ``getImageUser``.
    """
    half, _, _ = text.partition(":")
    if not half:
        return 0
    try:
        return parse_int64(accounts.encode(half))
    except (NotANumber, OutOfRange):
        return half


def _what_kubelet_sends(text: str, trail: Trail) -> str:
    half, colon, group = text.partition(":")
    if colon and group:
        trail.say(f'kubelet sends only the user half of USER, so the group "{group}" is dropped')
    if not half:
        trail.say("USER names nobody, so kubelet sends uid 0")
    return str(image_user(text))


def _uid_out_of_range(sent: str) -> str:
    return f"invalid USER value {go_quote(sent)}: uid out of range"


def _by_name(name: str, files: AccountBytes, trail: Trail) -> ExecUser:
    trail.say(f'"{name}" is not a number, so it is looked up by name in {PASSWD}')
    refuse_passwd(files, "")
    if files.passwd is None:
        raise StartRefused(NO_PASSWD)
    entry = accounts.first_user_named(files.passwd, name)
    if entry is None:
        raise StartRefused(NO_USERS)
    return _from_entry(entry, name, files, trail)


def _by_uid(uid: int, files: AccountBytes, trail: Trail) -> ExecUser:
    refuse_passwd(files, "")
    entry = accounts.first_user_with_uid(files.passwd, uid) if files.passwd is not None else None
    if entry is None:
        trail.say(f"no line of {PASSWD} has uid {uid}, so the gid is 0, the root group")
        return ExecUser(uid, 0, (), "")
    return _from_entry(entry, entry.name, files, trail)


def _from_entry(entry: PasswdEntry, name: str, files: AccountBytes, trail: Trail) -> ExecUser:
    tell_entry(entry, trail)
    refuse_group(files, "", lines_bounded=True)
    groups = supplementary(name, files.group, trail, skip=lambda group: group == name)
    return ExecUser(entry.uid, entry.gid, groups, entry.home)
