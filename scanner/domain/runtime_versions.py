"""Versions that start an image under another identity than current ones do, and what they make of *this* image.

::

    moby/sys user 0.4.0   a number beyond 64 bits is a name; a uid beyond 31 bits is taken where /etc/passwd has it
    containerd            first cut to 32 bits (CVE-2024-40635), then taken for a name (CVE-2026-46680)
    kubelet 1.33          any number but 0 is not root
    runc 1.1              a gid is looked up by name as well
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.domain.accounts import AccountBytes, first_group_named, first_user_named
from scanner.domain.citations import CVE_2024_40635, CVE_2026_46680, GO_ACCOUNT_PARSER, KUBELET_130871, RUNC_LOOKUP
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.exec_user import ExecUser, Version, exec_user
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import Identity, Runtime, process_groups
from scanner.domain.kubelet_user import image_user
from scanner.domain.resolution import as_docker_starts_it, resolve_facts
from scanner.domain.rule import Link
from scanner.domain.user_spec import (
    MAX_ID,
    NotANumber,
    OutOfRange,
    UserSpec,
    go_text,
    parse_int64,
    split_user,
    to_uint32,
)

_OLD_LIBRARY = "0.4.0 and older: Docker Engine 29.6.0 and older, CRI-O 1.36.3, Podman 5.8.2"
_CUT_TO_32_BITS = "before 1.6.38, 1.7.27 and 2.0.4"
_TAKEN_FOR_A_NAME = "1.7.27 to 1.7.31, 2.0.4 to 2.0.8, 2.1, 2.2.0 to 2.2.3 and 2.3.0"
_ALWAYS_A_NAME = "before 1.7.32, 2.0.9, 2.2.4 and 2.3.1"
_REFUSES = "refuses to start it"


@dataclass(frozen=True, slots=True)
class VersionNote:
    """One component whose version changes who an image runs as, or whether it is let in.

    :param component: ``containerd``, ``kubelet`` …
    :param versions: the affected ones, in words.
    :param there: what those do with this image; ``fixed`` what later ones do. Both start with a verb.
    :param source: where the difference is published.
    :param uid: who it is there; ``None`` where the note is about something else than the uid.
    """

    component: str
    versions: str
    there: str
    fixed: str
    source: Link
    uid: int | None = None

    @property
    def is_root(self) -> bool:
        """Whether those versions make it root."""
        return self.uid == 0

    @property
    def sentence(self) -> str:
        """The note for people."""
        return f"{self.component} ({self.versions}) {self.there}"


def version_notes(facts: ImageFacts) -> tuple[VersionNote, ...]:
    """Say which components in which versions start this image otherwise; none for an ordinary image."""
    spec = split_user(go_text(facts.config.user))
    return tuple(
        note
        for notes in (_old_library(spec, facts), _old_containerd(spec, facts), _old_kubelet(facts), _old_runc(facts))
        for note in notes
    )


def _old_library(spec: UserSpec, facts: ImageFacts) -> Iterator[VersionNote]:
    if not _beyond(spec.user) and not _beyond(spec.group):
        return
    image = as_docker_starts_it(facts)
    files = AccountBytes(image.passwd.as_read(), image.group.as_read())
    there = _started(spec, files, Version.V0_4_0)
    if there is not None and _started(spec, files, Version.V0_4_1) is None:
        uid, gid = to_uint32(there.uid), to_uint32(there.gid)
        yield VersionNote(
            "moby/sys user", _OLD_LIBRARY, f"starts it as {uid}:{gid}", _REFUSES, GO_ACCOUNT_PARSER, uid=uid
        )


def _started(spec: UserSpec, files: AccountBytes, version: Version) -> ExecUser | None:
    try:
        return exec_user(spec, files, version, Trail())
    except StartRefused:
        return None


def _old_containerd(spec: UserSpec, facts: ImageFacts) -> Iterator[VersionNote]:
    for half, kind in ((spec.user, "uid"), (spec.group, "gid")):
        number = _int64(half)
        if number is not None and not 0 <= number <= MAX_ID:
            kernel = to_uint32(number)
            there = f"cuts the number to 32 bits: {kind} {kernel}"
            uid = kernel if kind == "uid" else None
            yield VersionNote("containerd", _CUT_TO_32_BITS, there, _REFUSES, CVE_2024_40635, uid=uid)
    yield from _taken_for_a_name(spec, facts)


def _taken_for_a_name(spec: UserSpec, facts: ImageFacts) -> Iterator[VersionNote]:
    passwd = facts.passwd.as_read() or b""
    # Behind kubelet the number comes without a plus sign or leading zeros.
    names = dict.fromkeys((spec.user, str(image_user(spec.user)))) if _beyond(spec.user) else ()
    account = next(filter(None, (first_user_named(passwd, name) for name in names)), None)
    if account is not None:
        uid = to_uint32(account.uid)
        there = f"takes the number for the name of an account, which line {account.line} of /etc/passwd makes uid {uid}"
        yield VersionNote("containerd", _name_versions(spec.user), there, _REFUSES, CVE_2026_46680, uid=uid)
    group = first_group_named(facts.group.as_read() or b"", spec.group) if _beyond(spec.group) else None
    if group is not None:
        gid = to_uint32(group.gid)
        there = f"takes the number for the name of a group, which line {group.line} of /etc/group makes gid {gid}"
        yield VersionNote("containerd", _name_versions(spec.group), there, _REFUSES, CVE_2026_46680)


def _name_versions(half: str) -> str:
    return _ALWAYS_A_NAME if _int64(half) is None else _TAKEN_FOR_A_NAME


def _old_kubelet(facts: ImageFacts) -> Iterator[VersionNote]:
    sent = image_user(go_text(facts.config.user))
    if isinstance(sent, int) and not 0 <= sent <= MAX_ID:
        there = "admits it under runAsNonRoot, because the number is not 0"
        yield VersionNote("kubelet", "before 1.34", there, "refuses a number outside 1-2147483647", KUBELET_130871)


def _old_runc(facts: ImageFacts) -> Iterator[VersionNote]:
    new, old = (resolve_facts(runtime, facts).answer for runtime in (Runtime.DOCKER, Runtime.DOCKER_LEGACY))
    if not isinstance(new, Identity) or not isinstance(old, Identity) or (new.uid, new.gid) != (old.uid, old.gid):
        return
    more = sorted(set(process_groups(old)) - set(process_groups(new)))
    if more:
        gids = ", ".join(map(str, more[:10]))
        there = f"adds gid {gids}, because a group of /etc/group has a gid of this process for its name"
        yield VersionNote("runc", "1.1 and older", there, "takes gids as they are", RUNC_LOOKUP)


def _beyond(half: str) -> bool:
    """Whether a half is a number no id can be."""
    try:
        return not 0 <= parse_int64(half.encode()) <= MAX_ID
    except NotANumber:
        return False
    except OutOfRange:
        return True


def _int64(half: str) -> int | None:
    try:
        return parse_int64(half.encode())
    except (NotANumber, OutOfRange):
        return None
