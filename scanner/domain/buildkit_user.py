"""Who a ``RUN`` instruction runs as under BuildKit, the builder of Docker.

Numbers in **both** halves are taken as they are, up to 4294967295, and so is the word ``root``, with no account file
read. Anything else goes the way of Docker; without a USER nothing can go wrong: it is 0:0 at worst.
Source: BuildKit ``executor/oci/user.go``.
"""

from __future__ import annotations

from scanner.domain.accounts import AccountBytes, encode
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.exec_user import ExecUser, Version, exec_user
from scanner.domain.user_spec import NotANumber, parse_uint32, split_user


def buildkit_user(text: str, files: AccountBytes, trail: Trail) -> ExecUser:
    """Resolve USER as BuildKit does before ``RUN``.

    :raises StartRefused: in the words of moby/sys ``user``.
    """
    user, colon, group = text.partition(":")
    uid, gid = _plain(user), _plain(group)
    if colon and uid is not None and gid is not None:
        trail.say(f"both halves of USER are ids, so it is {uid}:{gid} and no account file is read")
        return ExecUser(uid, gid, (), "")
    try:
        return exec_user(split_user(text or "0"), files, Version.V0_4_1, trail)
    except StartRefused as refusal:
        if text:
            raise
        trail.say(f"the image has no USER and uid 0 cannot be looked up ({refusal}), so it is 0:0")
        return ExecUser(0, 0, (), "")


def _plain(half: str) -> int | None:
    if half == "root":
        return 0
    try:
        return parse_uint32(encode(half))
    except NotANumber:
        return None
