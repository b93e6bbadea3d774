from __future__ import annotations

import time

import pytest

from scanner.deployments import DeploymentProblem
from scanner.deployments.review import read_contents
from scanner.deployments.workloads import Mount, Role, Workload
from scanner.domain.start import StartedBy
from tests.scanner.deployments.manifests import only, pod, reviewed
from tests.support.facts import facts

TEMPLATE = "template: {spec: {containers: [{name: web, image: nginx}]}}"


def workloads(text: str) -> tuple[Workload, ...]:
    return read_contents(text).workloads


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("kind: Pod\nspec: {containers: [{name: web, image: nginx}]}", "spec.containers[0]"),
        (f"kind: Deployment\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (f"kind: StatefulSet\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (f"kind: DaemonSet\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (f"kind: ReplicaSet\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (f"kind: ReplicationController\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (f"kind: Job\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (f"kind: DeploymentConfig\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (f"kind: Rollout\nspec: {{{TEMPLATE}}}", "spec.template.spec.containers[0]"),
        (
            f"kind: Service\napiVersion: serving.knative.dev/v1\nspec: {{{TEMPLATE}}}",
            "spec.template.spec.containers[0]",
        ),
        (
            f"kind: CronJob\nspec: {{jobTemplate: {{spec: {{{TEMPLATE}}}}}}}",
            "spec.jobTemplate.spec.template.spec.containers[0]",
        ),
        (f"kind: PodTemplate\n{TEMPLATE}", "template.spec.containers[0]"),
        (f"kind: List\nitems: [{{kind: Job, spec: {{{TEMPLATE}}}}}]", "spec.template.spec.containers[0]"),
        ("kind: PodList\nitems: [{kind: Pod, spec: {containers: [{name: web, image: nginx}]}}]", "spec.containers[0]"),
    ],
)
def test_a_pod_is_found_wherever_its_template_stands(text: str, path: str) -> None:
    (found,) = workloads(text)
    (container,) = found.containers
    assert (container.name, container.role, container.place.path) == ("web", Role.CONTAINER, path)


def test_all_containers_of_a_pod_are_read() -> None:
    (found,) = workloads(
        "kind: Pod\nspec:\n  containers: [{name: a, image: x}]\n  initContainers: [{name: b, image: x}]\n"
        "  ephemeralContainers: [{name: c, image: x}]\n"
    )
    assert [(container.name, container.role) for container in found.containers] == [
        ("b", Role.INIT),
        ("a", Role.CONTAINER),
        ("c", Role.EPHEMERAL),
    ]


def test_the_containers_word_counts_before_the_pods() -> None:
    (found,) = workloads(
        pod(
            "securityContext: {runAsUser: 0x0, runAsNonRoot: no, allowPrivilegeEscalation: off}",
            "securityContext:\n  {runAsUser: 1000, runAsGroup: 0100, runAsNonRoot: yes, fsGroup: 2e3, "
            "supplementalGroups: [7]}",
        )
    )
    start = found.containers[0].start
    assert (start.by, start.run_as_user, start.run_as_group, start.run_as_non_root) == (
        StartedBy.KUBERNETES,
        0,
        64,
        False,
    )
    assert (start.fs_group, start.supplemental_groups, start.no_new_privileges) == (2000, (7,), True)
    assert found.faults == ()


def test_settings_of_the_pod() -> None:
    (found,) = workloads(
        pod(
            "volumeMounts: [{name: data, mountPath: /data}, {name: tmp, mountPath: /tmp, readOnly: true}]\n"
            'securityContext: {capabilities: {drop: ["ALL"]}}',
            "hostUsers: false\nhostNetwork: true\nos: {name: linux}\n"
            "volumes: [{name: data, persistentVolumeClaim: {claimName: d}}, {name: tmp}]\n"
            "securityContext: {supplementalGroupsPolicy: Strict}",
        )
    )
    container, settings = found.containers[0], found.pod
    assert settings is not None
    assert (settings.host_users, settings.host_namespaces, settings.os) == (False, ("hostNetwork",), "linux")
    assert container.mounts == (
        Mount("data", "/data", "persistentVolumeClaim"),
        Mount("tmp", "/tmp", "emptyDir", read_only=True),
    )
    assert not container.start.merge_groups
    assert container.start.drop_capabilities
    assert container.start.user_namespace is not None


INVALID = "must be between 0 and 2147483647, inclusive"
GO = "json: cannot unmarshal"


@pytest.mark.parametrize(
    ("container", "spec", "message"),
    [
        (
            "securityContext: {runAsUser: -1}",
            "",
            f"spec.containers[0].securityContext.runAsUser: Invalid value: -1: {INVALID}",
        ),
        (
            "securityContext: {runAsGroup: 2147483648}",
            "",
            f"spec.containers[0].securityContext.runAsGroup: Invalid value: 2147483648: {INVALID}",
        ),
        ("", "securityContext: {fsGroup: -5}", f"spec.securityContext.fsGroup: Invalid value: -5: {INVALID}"),
        (
            "",
            "securityContext: {supplementalGroups: [1, -1]}",
            f"spec.securityContext.supplementalGroups[1]: Invalid value: -1: {INVALID}",
        ),
        (
            "",
            "securityContext: {supplementalGroupsPolicy: strict}",
            'spec.securityContext.supplementalGroupsPolicy: Unsupported value: "strict": '
            'supported values: "Merge", "Strict"',
        ),
        (
            "securityContext: {privileged: true, allowPrivilegeEscalation: false}",
            "",
            "spec.containers[0].securityContext: Invalid value: "
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        ),
        (
            'securityContext: {runAsUser: "0"}',
            "",
            f"{GO} string into Go struct field SecurityContext.spec.containers.securityContext.runAsUser of type int64",
        ),
        (
            "securityContext: {runAsUser: 1000:1000}",
            "",
            f"{GO} string into Go struct field SecurityContext.spec.containers.securityContext.runAsUser of type int64",
        ),
        (
            "",
            "securityContext: {runAsUser: 1.5}",
            f"{GO} number 1.5 into Go struct field PodSecurityContext.spec.securityContext.runAsUser of type int64",
        ),
        (
            "",
            'securityContext: {runAsNonRoot: "true"}',
            f"{GO} string into Go struct field PodSecurityContext.spec.securityContext.runAsNonRoot of type bool",
        ),
        (
            "securityContext: {capabilities: {drop: ALL}}",
            "",
            f"{GO} string into Go struct field Capabilities.spec.containers.securityContext.capabilities.drop "
            "of type []v1.Capability",
        ),
        (
            "securityContext: root",
            "",
            f"{GO} string into Go struct field Container.spec.containers.securityContext of type v1.SecurityContext",
        ),
        (
            "",
            "securityContext: [1]",
            f"{GO} array into Go struct field PodSpec.spec.securityContext of type v1.PodSecurityContext",
        ),
        ("", "hostUsers: [no]", f"{GO} array into Go struct field PodSpec.spec.hostUsers of type bool"),
    ],
)
def test_the_api_server_refuses_in_its_own_words(container: str, spec: str, message: str) -> None:
    (found,) = workloads(pod(container, spec))
    assert [fault.message for fault in found.faults] == [message]
    assert found.faults[0].line > 3


def test_a_container_needs_an_image() -> None:
    (found,) = workloads("kind: Pod\nspec: {containers: [{name: web}]}")
    assert [fault.message for fault in found.faults] == ["spec.containers[0].image: Required value"]


@pytest.mark.parametrize("written", ["[]", "~", ""])
def test_a_pod_needs_a_container(written: str) -> None:
    (found,) = workloads(f"kind: Pod\nspec: {{containers: {written}}}")
    assert [fault.message for fault in found.faults] == ["spec.containers: Required value"]


def test_a_template_that_was_not_rendered_is_not_an_image() -> None:
    with pytest.raises(DeploymentProblem) as caught:
        read_contents(pod(image="'{{ .Values.image }}'"))
    assert (caught.value.code, caught.value.line) == ("helm-template", 7)
    assert "helm template" in caught.value.remedy


def test_what_starts_nothing_is_counted_and_what_may_start_something_is_named() -> None:
    found = read_contents(
        "kind: ConfigMap\n---\nkind: ConfigMap\n---\nreplicas: 1\n---\n"
        "kind: Workflow\nspec: {templates: [{containers: [{name: a, image: x}]}]}\n"
    )
    assert found.skipped == (("ConfigMap", 2), ("document without a kind", 1))
    assert [(kind, place.document) for kind, place in found.unread] == [("Workflow", 4)]
    assert reviewed("kind: Workflow\nspec: {t: [{containers: [{image: x}]}]}").verdict.value == "unknown"


@pytest.mark.parametrize("text", ["", "replicas: 1", "- a\n- b", "just text", "services: []"])
def test_another_file_is_named_as_such(text: str) -> None:
    with pytest.raises(DeploymentProblem) as caught:
        read_contents(text)
    assert caught.value.code == "not-a-deployment"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "kind: List\nitems: &a [{kind: List, items: []}]\n---\nkind: List\nitems: [" + "{kind: A}," * 2_001 + "]",
            None,
        ),
        ("kind: Pod\nspec: {containers: [" + "{name: a, image: x}," * 501 + "]}", "limit-deployment-containers"),
    ],
)
def test_lists_and_pods_are_bounded(text: str, code: str | None) -> None:
    with pytest.raises(DeploymentProblem) as caught:
        read_contents(text)
    assert caught.value.code == (code or "limit-deployment-documents")


@pytest.mark.parametrize(
    "field",
    [
        "volumes: &v [" + "{name: a}," * 20_000 + "]",
        "securityContext: {supplementalGroups: [" + "1," * 100_000 + "]}",
    ],
)
def test_large_pods_of_many_containers_take_seconds_at_most(field: str) -> None:
    containers = "\n".join(f"  - {{name: c{n}, image: nginx}}" for n in range(500))
    began = time.thread_time()
    found = reviewed(f"kind: Pod\nspec:\n  {field}\n  containers:\n{containers}\n")
    assert len(found.workloads[0].containers) == 500
    assert time.thread_time() - began < 15


def test_more_groups_than_anybody_sets_leave_the_identity_open() -> None:
    (found,) = workloads(pod("", f"securityContext: {{supplementalGroups: [{'1,' * 1_001}]}}"))
    assert found.containers[0].undecided
    assert found.containers[0].open


@pytest.mark.parametrize(
    "context",
    [
        "{runAsUser: 1000, <<: &r {runAsUser: 0}}",
        "{<<: {runAsUser: 1000, <<: {runAsUser: 0}}}",
        "{<<: [{}, {runAsUser: 1000, <<: {runAsUser: 0}}]}",
    ],
)
def test_a_merge_below_the_key_it_brings_is_refused_because_kubectl_takes_what_is_merged(context: str) -> None:
    with pytest.raises(DeploymentProblem, match="kubectl takes what is merged") as caught:
        reviewed(pod(f"securityContext: {context}"), facts("1000:1000"))
    assert caught.value.code == "yaml-merge"


def test_a_merge_above_the_keys_is_read_as_everybody_does() -> None:
    found = reviewed(pod("securityContext: {<<: {runAsUser: 0, runAsGroup: 7}, runAsUser: 1000}"), facts("1000:1000"))
    start = only(found).case.container.start
    assert (start.run_as_user, start.run_as_group) == (1000, 7)


def test_a_merge_with_its_tag_written_out_is_a_merge() -> None:
    found = reviewed(pod("securityContext: {!!merge <<: {runAsUser: 0}}"), facts("1000:1000"))
    assert only(found).case.container.start.run_as_user == 0
