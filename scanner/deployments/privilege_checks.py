"""What could give the container more than its user has, and what keeps it from its volumes."""

from __future__ import annotations

from scanner.deployments.findings import Case, Finding
from scanner.domain.printable import printable, quoted
from scanner.domain.verdict import Severity

_SETUID_OR_SETGID = 0o6000
_SHOWN = 3
_OWNED_BY_ROOT = frozenset(("persistentVolumeClaim", "ephemeral", "csi"))
_LONGEST = 200


def privileged(case: Case) -> Finding | None:
    """``privileged: true``."""
    if not case.container.privileges.privileged:
        return None
    said = "`privileged: true` gives it every capability and every device of the host, whoever it runs as."
    return case.found("privileged", Severity.CRITICAL, said)


def escalation(case: Case) -> Finding | None:
    """setuid programs in the image, and nothing that keeps them from working."""
    start, files = case.container.start, case.facts.files if case.facts is not None else None
    if start.no_new_privileges or case.uid == 0 or case.windows:
        return None
    key = "allowPrivilegeEscalation: false" if case.on_kubernetes else "security_opt: [no-new-privileges:true]"
    found = [
        file.place.path
        for file in (files.privileged if files is not None else ())
        if file.place.node.mode & _SETUID_OR_SETGID and file.place.node.uid == 0
    ]
    if found:
        shown = ", ".join(quoted(path) for path in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        said = f"`{key}` is not set, and the image has setuid or setgid programs of root: {shown}{more}."
        return case.found("escalation-open", Severity.MEDIUM, said)
    if files is not None:
        return None
    return case.found("escalation-open", Severity.LOW, f"`{key}` is not set; setuid programs would work.")


def capabilities(case: Case) -> Finding | None:
    """Capabilities that were not dropped, or were added."""
    rights = case.container.privileges
    if case.windows or rights.privileged:
        return None
    added = [name for name in rights.add if name not in ("NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE")]
    if added:
        shown = ", ".join(quoted(name) for name in added[:_SHOWN])
        return case.found("capabilities-added", Severity.MEDIUM, f"It adds the capabilities {shown}.")
    if rights.drops_all:
        return None
    key = "capabilities: {drop: [ALL]}" if case.on_kubernetes else "cap_drop: [ALL]"
    return case.found("capabilities-kept", Severity.LOW, f"It keeps the runtime's default capabilities: set `{key}`.")


def volumes(case: Case) -> Finding | None:
    """A volume that belongs to root, a user that does not, and no ``fsGroup``."""
    if not case.on_kubernetes or case.windows or case.uid in (None, 0) or case.container.start.fs_group is not None:
        return None
    mounts = [mount for mount in case.container.mounts if mount.kind in _OWNED_BY_ROOT and not mount.read_only]
    if not mounts:
        return None
    shown = ", ".join(quoted(mount.path) for mount in mounts[:_SHOWN])
    said = (
        f"uid {case.uid} may not be able to write to {shown}: most drivers hand out a new volume as root's, mode 0755,"
    )
    return case.found("fs-group-missing", Severity.MEDIUM, f"{said} and without `fsGroup` kubelet leaves it so.")


def host_user_namespace(case: Case) -> Finding | None:
    """Compose's ``userns_mode: host``."""
    if not case.container.host_users:
        return None
    said = "`userns_mode: host` takes it out of the engine's user namespaces: its ids are the host's."
    return case.found("host-user-namespace", Severity.MEDIUM, said)


def tag_moves(case: Case) -> Finding | None:
    """An image named by a tag, which can be moved."""
    image = case.container.image
    if image is None or image.reference is None or image.pinned:
        return None
    shown = quoted(image.written)
    said = "follows `latest`" if image.latest else "is named by a tag, which can move"
    place = case.container.place
    message = f"{shown} {said}: what was reviewed may not be what starts. Pin the digest."
    return Finding("image-not-pinned", Severity.INFO, message, image.line, f"{place.path}.image")


def variable_assumed(case: Case) -> Finding | None:
    """Defaults of variables that were taken."""
    assumed = case.container.assumed
    if not assumed:
        return None
    shown = ", ".join(quoted(printable(text, longest=_LONGEST)) for text in assumed[:_SHOWN])
    said = f"This holds where these variables are not set, so that their defaults count: {shown}."
    return case.found("variable-assumed", Severity.INFO, said)


CHECKS = (privileged, escalation, capabilities, volumes, host_user_namespace, tag_moves, variable_assumed)
