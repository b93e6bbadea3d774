"""What Pod Security Admission says to a pod under *restricted*, in its own words. It never looks at an image.

Source: kubernetes/pod-security-admission ``policy/check_*.go`` as of policy version 1.35, which lets pods with
``hostUsers: false`` off the checks on users. The checks on users, privileges and volumes; not those on ports, sysctls,
SELinux, AppArmor, probes and procMount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from scanner.deployments.workloads import Container, Pod, Role, Workload
from scanner.platforms.answer import PlatformAnswer

_VOLUMES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)
_SECCOMP = ("RuntimeDefault", "Localhost")
_VISITED = (Role.INIT, Role.CONTAINER, Role.EPHEMERAL)
_MUST_SECCOMP = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'

Check = Callable[[Pod, Sequence[Container]], str]


def restricted(workload: Workload) -> PlatformAnswer | None:
    """The answer for the pods of a workload; ``None`` for Compose."""
    pod = workload.pod
    if pod is None:
        return None
    containers = sorted(workload.containers, key=lambda container: _VISITED.index(container.role))
    said = [text for check in _CHECKS if (text := check(pod, containers))]
    if said:
        return PlatformAnswer("refuse", f'violates PodSecurity "restricted:latest": {", ".join(said)}')
    return PlatformAnswer("admit", "no check on users, privileges or volumes is violated")


def _host_namespaces(pod: Pod, _: Sequence[Container]) -> str:
    found = ", ".join(f"{name}=true" for name in pod.host_namespaces)
    return f"host namespaces ({found})" if found else ""


def _privileged(_: Pod, containers: Sequence[Container]) -> str:
    bad = [container.name for container in containers if container.privileges.privileged]
    return f"privileged ({_named(bad)} must not set securityContext.privileged=true)" if bad else ""


def _escalation(pod: Pod, containers: Sequence[Container]) -> str:
    bad = [container.name for container in containers if container.privileges.escalation is not False]
    if not bad or _windows(pod):
        return ""
    return f"allowPrivilegeEscalation != false ({_named(bad)} must set securityContext.allowPrivilegeEscalation=false)"


def _capabilities(pod: Pod, containers: Sequence[Container]) -> str:
    if _windows(pod):
        return ""
    keeping = [container.name for container in containers if not container.privileges.drops_all]
    added = {container.name: set(container.privileges.add) - {"NET_BIND_SERVICE"} for container in containers}
    adding = [name for name, names in added.items() if names]
    details = [f'{_named(keeping)} must set securityContext.capabilities.drop=["ALL"]'] if keeping else []
    if adding:
        names = _quoted(sorted(set().union(*added.values())))
        details.append(f"{_named(adding)} must not include {names} in securityContext.capabilities.add")
    return f"unrestricted capabilities ({'; '.join(details)})" if details else ""


def _volumes(pod: Pod, _: Sequence[Container]) -> str:
    bad = [(name, kind) for name, kind in pod.volumes if kind not in _VOLUMES]
    if not bad:
        return ""
    kinds = sorted({kind for _, kind in bad})
    names = _quoted(name for name, _ in bad)
    verb = f"volume {names} uses" if len(bad) == 1 else f"volumes {names} use"
    types = "restricted volume type" if len(kinds) == 1 else "restricted volume types"
    return f"restricted volume types ({verb} {types} {_quoted(kinds)})"


def _run_as_non_root(pod: Pod, containers: Sequence[Container]) -> str:
    if pod.host_users is False:
        return ""
    setters = ["pod"] if pod.run_as_non_root is False else []
    bad = [container.name for container in containers if container.own.run_as_non_root is False]
    setters += [_named(bad)] if bad else []
    if setters:
        return f"runAsNonRoot != true ({' and '.join(setters)} must not set securityContext.runAsNonRoot=false)"
    silent = [container.name for container in containers if container.own.run_as_non_root is None]
    if pod.run_as_non_root or not silent:
        return ""
    return f"runAsNonRoot != true (pod or {_named(silent)} must set securityContext.runAsNonRoot=true)"


def _run_as_user(pod: Pod, containers: Sequence[Container]) -> str:
    if pod.host_users is False:
        return ""
    setters = ["pod"] if pod.run_as_user == 0 else []
    bad = [container.name for container in containers if container.own.run_as_user == 0]
    setters += [_named(bad)] if bad else []
    return f"runAsUser=0 ({' and '.join(setters)} must not set runAsUser=0)" if setters else ""


def _seccomp(pod: Pod, containers: Sequence[Container]) -> str:
    if _windows(pod):
        return ""
    bad = {c.name: c.privileges.seccomp for c in containers if c.privileges.seccomp not in (None, *_SECCOMP)}
    setters = ["pod"] if pod.seccomp not in (None, *_SECCOMP) else []
    setters += [_named(bad)] if bad else []
    if setters:
        kinds = {kind for kind in (pod.seccomp, *bad.values()) if kind is not None and kind not in _SECCOMP}
        said = f"must not set securityContext.seccompProfile.type to {_quoted(sorted(kinds))}"
        return f"seccompProfile ({' and '.join(setters)} {said})"
    silent = [container.name for container in containers if container.privileges.seccomp is None]
    if pod.seccomp is not None or not silent:
        return ""
    return f"seccompProfile (pod or {_named(silent)} {_MUST_SECCOMP})"


_CHECKS: tuple[Check, ...] = (
    _host_namespaces,
    _privileged,
    _escalation,
    _capabilities,
    _volumes,
    _run_as_non_root,
    _run_as_user,
    _seccomp,
)


def _windows(pod: Pod) -> bool:
    return pod.os == "windows"


def _named(names: Iterable[str]) -> str:
    found = list(names)
    return f"{'container' if len(found) == 1 else 'containers'} {_quoted(found)}"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
