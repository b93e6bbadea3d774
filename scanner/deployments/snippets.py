"""The corrected settings of one container, ready to paste.

Made of numbers and of words of our own: nothing that stands in the file or in the image gets into a block, the name of
a service excepted where it is made of harmless characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanner.deployments.findings import Case, Finding
from scanner.domain.fixes import PLAIN_UID, someone_else
from scanner.domain.identity import Identity
from scanner.domain.user_spec import MAX_ID
from scanner.domain.verdict import Severity

_SERVICE = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
_UNUSABLE = frozenset(("not-executable", "files-out-of-reach"))
"""Findings that say the image was made for somebody else."""
_YAML_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


@dataclass(frozen=True, slots=True)
class Snippet:
    """YAML with what to know before it is pasted.

    :param where: what it belongs to, in words.
    """

    where: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _User:
    uid: int
    gid: int
    note: str = ""


def snippet(case: Case, findings: tuple[Finding, ...]) -> Snippet | None:
    """The settings that answer the findings; ``None`` where nothing needs to change, and for Windows."""
    if case.windows or all(finding.severity is Severity.INFO for finding in findings):
        return None
    user = _user(case, findings)
    return _kubernetes(case, user, findings) if case.on_kubernetes else _compose(case, user)


def _user(case: Case, findings: tuple[Finding, ...]) -> _User:
    """Whom it should run as: who it is already, where that works, else an account of the image, else a plain number."""
    identity, own = case.identity, _own_user(case.declared)
    unusable = own is not None and any(finding.code in _UNUSABLE for finding in findings)
    if identity is not None and 0 < identity.uid <= MAX_ID and not unusable:
        # An image that declares group 0 means it: its files belong to that group.
        least = 0 if own is not None and own.gid == 0 else 1
        return _User(identity.uid, identity.gid if least <= identity.gid <= MAX_ID else identity.uid)
    if own is not None:
        return own
    if case.facts is not None:
        account = someone_else(case.facts)
        if account.exists:
            return _User(account.uid, account.gid, f"The image has the account {account.name} with this uid.")
        note = (
            f"The image has no account of its own for uid {account.uid}: give it the files it writes when you build it."
        )
        return _User(account.uid, account.gid, note)
    chosen = case.chosen_uid
    uid = chosen if chosen is not None and 0 < chosen <= MAX_ID else PLAIN_UID
    group = case.container.start.run_as_group
    gid = group if group is not None and 0 < group <= MAX_ID else uid
    return _User(uid, gid, "The image is not known: take the uid that owns the files it writes.")


def _own_user(declared: Identity | None) -> _User | None:
    """The image's own user with its group, 0 included; ``None`` where that is root or no number to write down."""
    if declared is None or not 0 < declared.uid <= MAX_ID:
        return None
    return _User(declared.uid, declared.gid if 0 <= declared.gid <= MAX_ID else declared.uid)


def _kubernetes(case: Case, user: _User, findings: tuple[Finding, ...]) -> Snippet:
    lines = [
        "securityContext:",
        "  runAsNonRoot: true",
        f"  runAsUser: {user.uid}",
        f"  runAsGroup: {user.gid}",
        "  allowPrivilegeEscalation: false",
        *(["  privileged: false"] if case.container.privileges.privileged else []),
        *(["  readOnlyRootFilesystem: true"] if case.container.privileges.read_only_root else []),
        "  capabilities:",
        '    drop: ["ALL"]',
        *(['    add: ["NET_BIND_SERVICE"]'] if "NET_BIND_SERVICE" in case.container.privileges.add else []),
        "  seccompProfile:",
        "    type: RuntimeDefault",
    ]
    note = user.note
    if any(finding.code == "fs-group-missing" for finding in findings):
        said = f"Beside `containers`, in the pod's own `securityContext`, set `fsGroup: {user.gid}` for its volumes."
        note = f"{note} {said}".strip()
    return Snippet("in the container", "\n".join(lines) + "\n", note)


def _compose(case: Case, user: _User) -> Snippet:
    rights = case.container.privileges
    lines = [
        f'user: "{user.uid}:{user.gid}"',
        *(["privileged: false"] if rights.privileged else []),
        'cap_drop: ["ALL"]',
        *(['cap_add: ["NET_BIND_SERVICE"]'] if "NET_BIND_SERVICE" in rights.add else []),
        'security_opt: ["no-new-privileges:true"]',
        *(["read_only: true"] if rights.read_only_root else []),
    ]
    note = user.note
    if not rights.read_only_root:
        note = f"{note} Add `read_only: true` where it writes to volumes and `tmpfs` only.".strip()
    name = case.container.name
    if _SERVICE.fullmatch(name) and name not in _YAML_WORDS:
        lines = ["services:", f"  {name}:", *(f"    {line}" for line in lines)]
        return Snippet("merge into the file", "\n".join(lines) + "\n", note)
    return Snippet("in the service", "\n".join(lines) + "\n", note)
