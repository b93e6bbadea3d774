"""What the API server refuses in a pod's security settings, in its own words.

Source: kubernetes ``pkg/apis/core/validation`` and apimachinery ``IsValidUserID``.
"""

from __future__ import annotations

from scanner.deployments.fields import View
from scanner.domain.printable import printable
from scanner.domain.user_spec import MAX_ID

_OUT_OF_RANGE = f"must be between 0 and {MAX_ID}, inclusive"
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_NOT_OF_THE_HOST = "Forbidden: when `hostUsers` is false"
_POLICIES = ("Merge", "Strict")


def validate_pod(spec: View) -> None:
    """Note what is wrong with the pod's own settings."""
    containers = spec.get("containers")
    if not any(True for _ in containers.items()):
        containers.reading.note(containers.line, containers.path, f"{containers.path}: Required value")
    context = spec.get("securityContext")
    for key in ("runAsUser", "runAsGroup", "fsGroup"):
        _check_id(context.get(key))
    for group in context.get("supplementalGroups").items():
        _check_id(group)
    if spec.get("hostUsers").flag() is False:
        for key in _HOST_NAMESPACES:
            shared = spec.get(key)
            if shared.flag():
                shared.reading.note(shared.line, shared.path, f"{shared.path}: {_NOT_OF_THE_HOST}")
    policy = context.get("supplementalGroupsPolicy")
    chosen = policy.text()
    if chosen is not None and chosen not in _POLICIES:
        supported = ", ".join(f'"{name}"' for name in _POLICIES)
        said = f'Unsupported value: "{printable(chosen, longest=100)}": supported values: {supported}'
        policy.reading.note(policy.line, policy.path, f"{policy.path}: {said}")


def validate_container(container: View) -> None:
    """Note what is wrong with a container's settings."""
    context = container.get("securityContext")
    for key in ("runAsUser", "runAsGroup"):
        _check_id(context.get(key))
    if context.get("allowPrivilegeEscalation").flag() is False:
        if context.get("privileged").flag():
            _refuse(context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        if "CAP_SYS_ADMIN" in context.at("capabilities", "add").texts():
            said = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            _refuse(context, said)
    image = container.get("image")
    if not image.given:
        image.reading.note(container.line, image.path, f"{image.path}: Required value")


def _check_id(view: View) -> None:
    number = view.integer()
    if number is not None and not 0 <= number <= MAX_ID:
        view.reading.note(view.line, view.path, f"{view.path}: Invalid value: {number}: {_OUT_OF_RANGE}")


def _refuse(context: View, said: str) -> None:
    context.reading.note(context.line, context.path, f"{context.path}: Invalid value: {said}")
