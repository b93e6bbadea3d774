from __future__ import annotations

import pytest

from scanner.deployments.pod_security import restricted
from scanner.deployments.review import read_contents
from tests.scanner.deployments.manifests import pod, service

GOOD = "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}"
NON_ROOT = "securityContext: {runAsNonRoot: true}"


def answer(text: str) -> str:
    found = restricted(read_contents(text).workloads[0])
    assert found is not None
    return found.message.removeprefix('violates PodSecurity "restricted:latest": ')


@pytest.mark.parametrize(
    ("own", "spec", "said"),
    [
        (GOOD, NON_ROOT, "no check on users, privileges or volumes is violated"),
        (f"{GOOD}, runAsNonRoot: true", "", "no check on users, privileges or volumes is violated"),
        (GOOD, "", 'runAsNonRoot != true (pod or container "web" must set securityContext.runAsNonRoot=true)'),
        (GOOD, "hostUsers: false", "no check on users, privileges or volumes is violated"),
        (
            f"{GOOD}, runAsNonRoot: false",
            NON_ROOT,
            'runAsNonRoot != true (container "web" must not set securityContext.runAsNonRoot=false)',
        ),
        (
            f"{GOOD}, runAsNonRoot: false",
            "securityContext: {runAsNonRoot: false}",
            'runAsNonRoot != true (pod and container "web" must not set securityContext.runAsNonRoot=false)',
        ),
        (f"{GOOD}, runAsUser: 0", NON_ROOT, 'runAsUser=0 (container "web" must not set runAsUser=0)'),
        (GOOD, "securityContext: {runAsNonRoot: true, runAsUser: 0}", "runAsUser=0 (pod must not set runAsUser=0)"),
        (
            "capabilities: {drop: [ALL]}, seccompProfile: {type: Localhost}",
            NON_ROOT,
            "allowPrivilegeEscalation != false "
            '(container "web" must set securityContext.allowPrivilegeEscalation=false)',
        ),
        (
            "allowPrivilegeEscalation: false, capabilities: {drop: [all], add: [SYS_TIME, NET_BIND_SERVICE, KILL]}, "
            "seccompProfile: {type: Localhost}",
            NON_ROOT,
            'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"]; '
            'container "web" must not include "KILL", "SYS_TIME" in securityContext.capabilities.add)',
        ),
        (
            "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}",
            NON_ROOT,
            'seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to '
            '"RuntimeDefault" or "Localhost")',
        ),
        (
            "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}",
            "securityContext: {runAsNonRoot: true, seccompProfile: {type: Unconfined}}",
            'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            GOOD,
            f"{NON_ROOT}\nvolumes:\n- {{name: a, hostPath: {{path: /}}}}\n- {{name: b, nfs: {{}}}}\n"
            "- {name: c, csi: {}}",
            'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
        ),
        (
            GOOD,
            f"{NON_ROOT}\nvolumes: [{{name: a, hostPath: {{path: /}}}}]",
            'restricted volume types (volume "a" uses restricted volume type "hostPath")',
        ),
        (GOOD, f"{NON_ROOT}\nhostPID: true\nhostNetwork: true", "host namespaces (hostNetwork=true, hostPID=true)"),
        ("", f"{NON_ROOT}\nos: {{name: windows}}", "no check on users, privileges or volumes is violated"),
    ],
)
def test_restricted_answers_in_its_own_words(own: str, spec: str, said: str) -> None:
    assert answer(pod(f"securityContext: {{{own}}}", spec)) == said


def test_several_containers_are_named_init_containers_first() -> None:
    text = (
        "kind: Pod\nspec:\n  containers: [{name: a, image: x}, {name: b, image: x}]\n"
        "  initContainers: [{name: i, image: x}]"
    )
    assert answer(text) == (
        'allowPrivilegeEscalation != false (containers "i", "a", "b" must set '
        "securityContext.allowPrivilegeEscalation=false), "
        'unrestricted capabilities (containers "i", "a", "b" must set securityContext.capabilities.drop=["ALL"]), '
        'runAsNonRoot != true (pod or containers "i", "a", "b" must set securityContext.runAsNonRoot=true), '
        'seccompProfile (pod or containers "i", "a", "b" must set securityContext.seccompProfile.type to '
        '"RuntimeDefault" or "Localhost")'
    )


def test_compose_has_no_pod_security() -> None:
    assert restricted(read_contents(service()).workloads[0]) is None
