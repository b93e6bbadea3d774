"""Who the container is: what the file says against what the image says."""

from __future__ import annotations

from scanner.deployments.findings import Case, Finding
from scanner.domain.execution import root_command
from scanner.domain.printable import quoted
from scanner.domain.user_spec import NotANumber, OutOfRange, parse_int64, split_user
from scanner.domain.verdict import Severity
from scanner.whatif import RefusedBy
from scanner.whatif.attempt import tenant_of

_ROOT_WHY = "A process that breaks out of the container, or a file it shares with the host, is root there too."


def refused_by_kubelet(case: Case) -> Finding | None:
    """``runAsNonRoot`` against ``runAsUser: 0``, or against the image's USER."""
    start = case.container.start
    if not case.on_kubernetes or not start.run_as_non_root or case.windows:
        return None
    if start.run_as_user == 0:
        said = "`runAsNonRoot: true` and `runAsUser: 0` contradict each other: kubelet never starts this container."
        return case.found(
            "non-root-and-uid-0", Severity.HIGH, said, words="container's runAsUser breaks non-root policy"
        )
    refusal = case.answer.started.refusal if case.answer is not None else None
    if refusal is None or refusal.by is not RefusedBy.KUBELET or case.facts is None:
        return None
    user = case.facts.config.user
    said = (
        f"`runAsNonRoot: true` with an image whose USER is {quoted(user)}: kubelet looks at the image's USER only, and"
    )
    said += " refuses a name, because it cannot know its uid." if _is_name(user) else " refuses uid 0."
    return case.found("non-root-refused", Severity.HIGH, said, words=refusal.message)


def does_not_start(case: Case) -> Finding | None:
    """The runtime's refusal: a name that is nowhere, a uid out of range, an id no user namespace maps."""
    if not case.start_error or case.windows:
        return None
    return case.found("does-not-start", Severity.HIGH, "The container does not start.", words=case.start_error)


def asks_for_root(case: Case) -> Finding | None:
    """``runAsUser: 0``, ``user: root`` and their spellings."""
    if case.windows or not _says_root(case):
        return None
    if case.identity is not None and case.identity.uid != 0:
        return None
    key = "runAsUser: 0" if case.on_kubernetes else f"user: {case.container.start.user}"
    said = f"{quoted(key)} asks for root."
    if case.declared is not None and case.declared.uid != 0:
        said += f" The image itself runs as uid {case.declared.uid}."
    return case.found("asks-for-root", _root_severity(case), f"{said} {_ROOT_WHY}")


def root_by_image(case: Case) -> Finding | None:
    """The file leaves the user to the image, or names an account, and that is uid 0."""
    if case.windows or case.identity is None or case.identity.uid != 0 or _says_root(case) or case.facts is None:
        return None
    user = case.facts.config.user
    start = case.container.start
    if start.user:
        said = f"user {quoted(start.user)} is uid 0 in this image."
    elif user:
        said = f"Nothing here sets a user, and the image's USER {quoted(user)} is uid 0."
    else:
        said = "Nothing here sets a user, and the image has no USER, so it runs as uid 0."
    return case.found("root-by-image", _root_severity(case), f"{said} {_ROOT_WHY}")


def root_by_command(case: Case) -> Finding | None:
    """An ordinary user whose command, the image's own, is setuid root."""
    identity, start = case.identity, case.container.start
    if identity is None or identity.uid == 0 or case.facts is None or case.windows:
        return None
    if start.no_new_privileges or case.container.own_command:
        return None
    place = root_command(case.facts, tenant_of(identity, start).process)
    if place is None:
        return None
    key = "allowPrivilegeEscalation: false" if case.on_kubernetes else "security_opt: [no-new-privileges:true]"
    said = f"The image's command {quoted(place.path)} is setuid root, so it runs as root although the user is uid "
    said += f"{identity.uid}. Only `{key}` stops that."
    return case.found("root-by-command", _root_severity(case), f"{said} {_ROOT_WHY}")


def group_without_user(case: Case) -> Finding | None:
    """``runAsGroup`` without ``runAsUser``."""
    start = case.container.start
    if start.run_as_group is None or start.run_as_user is not None or case.windows:
        return None
    said = f"`runAsGroup: {start.run_as_group}` without `runAsUser`: the uid is whatever the image says"
    if case.identity is not None:
        said += f", today {case.identity.uid}"
    return case.found("group-without-user", Severity.LOW, f"{said}. Set both.")


def root_group(case: Case) -> Finding | None:
    """A user that has no line in ``/etc/passwd`` falls into group 0 without asking."""
    identity, start = case.identity, case.container.start
    if identity is None or identity.uid == 0 or identity.gid != 0 or case.windows or start.run_as_group == 0:
        return None
    if not case.on_kubernetes and start.user and split_user(start.user).group:
        return None
    said = f"uid {identity.uid} ends up in group 0, the root group: nothing names a group"
    return case.found("root-group", Severity.LOW, f"{said}, and `/etc/passwd` gives it none other.")


def user_differs(case: Case) -> Finding | None:
    """Another uid than the image was made for, where what that costs is not known."""
    identity, declared = case.identity, case.declared
    if identity is None or declared is None or case.windows or case.facts is None or case.facts.files is not None:
        return None
    if identity.uid in (0, declared.uid) or not case.facts.config.user:
        return None
    said = (
        f"It runs as uid {identity.uid}, the image was made for uid {declared.uid}: files that only uid {declared.uid}"
    )
    return case.found(
        "user-differs", Severity.LOW, f"{said} may use are out of reach. The image's files were not read."
    )


def named_user(case: Case) -> Finding | None:
    """Compose names an account: it may mean another uid in the next image."""
    user = case.container.start.user
    if not user or not _is_name(user) or case.identity is None or case.identity.uid == 0:
        return None
    said = (
        f"user {quoted(user)} is a name: it is uid {case.identity.uid} in this image, and may be another in the next."
    )
    return case.found("user-is-a-name", Severity.LOW, said)


def _says_root(case: Case) -> bool:
    start = case.container.start
    if case.on_kubernetes:
        return start.run_as_user == 0
    if not start.user:
        return False
    half = split_user(start.user).user
    return not half or half == "root" or _as_number(half) == 0


def _as_number(text: str) -> int | None:
    try:
        return parse_int64(text.encode("utf-8", "surrogateescape"))
    except (NotANumber, OutOfRange):
        return None


def _is_name(user: str) -> bool:
    half = split_user(user).user
    return bool(half) and _as_number(half) is None


def _root_severity(case: Case) -> Severity:
    """Root in a user namespace of its own is nobody on the host."""
    return Severity.MEDIUM if case.container.start.user_namespace is not None else Severity.HIGH


CHECKS = (
    refused_by_kubelet,
    does_not_start,
    asks_for_root,
    root_by_image,
    root_by_command,
    group_without_user,
    root_group,
    user_differs,
    named_user,
)
