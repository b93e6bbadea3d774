"""Who a Kubernetes pod without ``runAsUser`` runs as on CRI-O: what kubelet sends, looked up by moby/sys user 0.4.0.

CRI-O gives a uid without an account a line in a copy of ``/etc/passwd``, which decides about HOME. It does so only
where the file is there, holds something, and cannot be written by group, others or that very uid.
Source: CRI-O ``server/container_create.go`` ``setupContainerUser`` and ``utils/utils.go`` ``GeneratePasswd``.
"""

from __future__ import annotations

from scanner.domain.accounts import AccountBytes, encode, first_user_with_uid
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.exec_user import ExecUser, Version, exec_user
from scanner.domain.home import FROM_ENVIRONMENT, Surroundings, home_of
from scanner.domain.kubelet_user import what_kubelet_sends
from scanner.domain.user_spec import UserSpec, to_uint32

_GROUP_OR_OTHERS_WRITE = 0o022
_OWNER_WRITES = 0o200
# Two characters, a backslash and an n: CRI-O looks for them and not for a newline.
_NEWLINE = r"\n"


def crio_user(text: str, files: AccountBytes, around: Surroundings, trail: Trail) -> ExecUser:
    """Resolve the USER string as kubelet and CRI-O do together, HOME included.

    :raises StartRefused: in CRI-O's words.
    """
    if around.home and _NEWLINE in around.home:
        raise StartRefused("invalid HOME environment; newline not allowed")
    sent = what_kubelet_sends(text, trail)
    found = exec_user(UserSpec(sent, ""), files, Version.V0_4_0, trail)
    return ExecUser(found.uid, found.gid, found.groups, _home(sent, found, files, around, trail))


def _home(sent: str, found: ExecUser, files: AccountBytes, around: Surroundings, trail: Trail) -> str:
    if around.home is not None:
        trail.say(f'HOME is "{around.home}", {FROM_ENVIRONMENT}')
        return around.home
    uid = to_uint32(found.uid)
    passwd = files.passwd
    if _adds_a_line(uid, files):
        line = f"{sent}:x:{uid}:{to_uint32(found.gid)}:{sent} user:{around.working_dir}:/sbin/nologin"
        trail.say(f"no line of /etc/passwd has uid {uid}, so CRI-O adds one: {line}")
        # Appended as it is, so a file without a final newline swallows it.
        passwd = (passwd or b"") + encode(line) + b"\n"
    home = home_of(uid, passwd)
    trail.say(f'HOME is "{home}", from the first line of /etc/passwd with uid {uid}, or "/" without one')
    return home


def _adds_a_line(uid: int, files: AccountBytes) -> bool:
    if not files.passwd or first_user_with_uid(files.passwd, uid) is not None:
        return False
    may_write_it = uid == files.passwd_owner and files.passwd_mode & _OWNER_WRITES
    return not files.passwd_mode & _GROUP_OR_OTHERS_WRITE and not may_write_it
