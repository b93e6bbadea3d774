from __future__ import annotations

import pytest

from scanner.deployments import review
from scanner.domain.facts import ImageFacts
from scanner.domain.files import FileFacts
from scanner.domain.problems import Refused
from scanner.domain.reference import Reference
from scanner.domain.verdict import Verdict
from tests.scanner.deployments.manifests import IMAGE, codes, finding, only, pod, reviewed, service
from tests.support.facts import facts, remapped
from tests.support.file_facts import House, command

APP = facts("app")
NUMERIC = facts("1001:1001")
ROOT = facts("")
DENIED = Refused("denied", "The registry refused.")
CAREFUL = (
    "runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, "
    "seccompProfile: {type: RuntimeDefault}"
)
PINNED = f"registry.example/shop/web@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "image", "code", "severity"),
    [
        (pod("securityContext: {runAsNonRoot: true, runAsUser: 0}"), NUMERIC, "non-root-and-uid-0", "high"),
        (pod("securityContext: {runAsNonRoot: true, runAsUser: 0}"), None, "non-root-and-uid-0", "high"),
        (pod("securityContext: {runAsNonRoot: true}"), APP, "non-root-refused", "high"),
        (pod("securityContext: {runAsNonRoot: true}"), ROOT, "non-root-refused", "high"),
        (pod("securityContext: {runAsUser: 0}"), NUMERIC, "asks-for-root", "high"),
        (pod("securityContext: {runAsUser: 0}"), None, "asks-for-root", "high"),
        (pod("securityContext: {runAsUser: 0}", "hostUsers: false"), None, "asks-for-root", "medium"),
        (pod(), ROOT, "root-by-image", "high"),
        (pod(), remapped(), "root-by-image", "high"),
        (pod(), facts("nobody-here"), "does-not-start", "high"),
        (pod("securityContext: {runAsUser: 70000}", "hostUsers: false"), APP, "does-not-start", "high"),
        (pod("securityContext: {runAsGroup: 3000}"), NUMERIC, "group-without-user", "low"),
        (pod("securityContext: {runAsUser: 3000}"), NUMERIC, "root-group", "low"),
        (pod("securityContext: {privileged: true}"), NUMERIC, "privileged", "critical"),
        (
            pod("securityContext: {capabilities: {drop: [ALL], add: [SYS_ADMIN]}}"),
            NUMERIC,
            "capabilities-added",
            "medium",
        ),
        (pod(), NUMERIC, "capabilities-kept", "low"),
        (
            pod(
                "volumeMounts: [{name: d, mountPath: /d}]",
                "volumes: [{name: d, persistentVolumeClaim: {claimName: c}}]",
            ),
            NUMERIC,
            "fs-group-missing",
            "medium",
        ),
        (pod(), NUMERIC, "image-not-pinned", "info"),
        (pod("securityContext: {runAsUser: -1}"), NUMERIC, "refused", "high"),
        (service("user: root"), NUMERIC, "asks-for-root", "high"),
        (service('user: "0"'), None, "asks-for-root", "high"),
        (service('user: "0:1000"'), None, "asks-for-root", "high"),
        (service('user: ":1000"'), NUMERIC, "asks-for-root", "high"),
        (service("user: app"), facts("1001", "app:x:0:0::/:/bin/sh\n"), "root-by-image", "high"),
        (service(), ROOT, "root-by-image", "high"),
        (service(), remapped(), "root-by-image", "high"),
        (service("user: nobody-here"), NUMERIC, "does-not-start", "high"),
        (service("user: app"), NUMERIC, "user-is-a-name", "low"),
        (service("user: 0"), NUMERIC, "refused", "high"),
        (service("privileged: true"), NUMERIC, "privileged", "critical"),
        (service("userns_mode: host"), NUMERIC, "host-user-namespace", "medium"),
        (service("user: '${U:-7}'"), NUMERIC, "variable-assumed", "info"),
    ],
)
def test_a_contradiction_is_found(text: str, image: ImageFacts | None, code: str, severity: str) -> None:
    found = reviewed(text, image)
    assert codes(found)[code] == severity
    assert finding(found, code).line > 1
    assert found.verdict is (Verdict.FAIL if severity in ("critical", "high") else found.verdict)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (
            pod("securityContext: {runAsNonRoot: true}"),
            "non-root-refused",
            "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root",
        ),
        (
            pod("securityContext: {runAsNonRoot: true, runAsUser: 0}"),
            "non-root-and-uid-0",
            "container's runAsUser breaks non-root policy",
        ),
        (
            pod("securityContext: {runAsUser: 70000}", "hostUsers: false"),
            "does-not-start",
            "cannot setuid to unmapped uid 70000 in user namespace",
        ),
        (
            service("user: nosuch"),
            "does-not-start",
            "unable to find user nosuch: no matching entries in passwd file",
        ),
    ],
)
def test_platforms_are_quoted(text: str, code: str, words: str) -> None:
    assert finding(reviewed(text, APP), code).words == words


@pytest.mark.parametrize(
    ("text", "image", "verdict"),
    [
        (pod(f"securityContext: {{{CAREFUL}}}", image=PINNED), NUMERIC, Verdict.PASS),
        (pod(f"securityContext: {{{CAREFUL}, runAsUser: 1001, runAsGroup: 1001}}", image=PINNED), APP, Verdict.PASS),
        (pod(f"securityContext: {{{CAREFUL}}}", image=PINNED), None, Verdict.UNKNOWN),
        (pod(f"securityContext: {{{CAREFUL}}}", image=PINNED), DENIED, Verdict.UNKNOWN),
        (pod(f"securityContext: {{{CAREFUL}}}", image="NO/such:image:name"), NUMERIC, Verdict.UNKNOWN),
        ("kind: ConfigMap", None, Verdict.NOT_APPLICABLE),
        (service("user: ${U}"), NUMERIC, Verdict.UNKNOWN),
        (service("group_add: [staff]"), NUMERIC, Verdict.UNKNOWN),
        ("services: {a: {build: .}}", None, Verdict.UNKNOWN),
        ("services: {a: {extends: {file: x, service: y}, image: z}}", NUMERIC, Verdict.UNKNOWN),
    ],
)
def test_the_verdict_of_a_file(text: str, image: ImageFacts | Refused | None, verdict: Verdict) -> None:
    assert reviewed(text, image).verdict is verdict


def test_a_careful_pod_has_nothing_to_correct() -> None:
    container = only(reviewed(pod(f"securityContext: {{{CAREFUL}}}", image=PINNED), NUMERIC))
    assert container.findings == ()
    assert container.open == ()
    assert container.snippet is None


def test_a_variable_never_hides_root() -> None:
    container = only(reviewed(service("user: ${U}"), NUMERIC))
    assert container.case.identity is None
    assert "variable U" in container.open[0]


def test_windows_has_no_uids() -> None:
    found = reviewed(pod("", "os: {name: windows}"), ROOT)
    assert set(codes(found)) == {"image-not-pinned"}
    assert only(found).snippet is None
    assert found.verdict is Verdict.UNKNOWN


def test_services_that_other_files_bring_are_not_passed() -> None:
    found = reviewed(f"include: [other.yaml]\n{service()}", NUMERIC)
    assert [(kind, place.line) for kind, place in found.contents.unread] == [("include", 1)]
    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("key", ["hostNetwork", "hostPID", "hostIPC"])
def test_a_user_namespace_of_its_own_excludes_the_hosts_others(key: str) -> None:
    refused = finding(reviewed(pod("", f"hostUsers: false\n{key}: true"), NUMERIC), "refused")
    assert refused.words == f"spec.{key}: Forbidden: when `hostUsers` is false"


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        (pod(), "high"),
        (pod("", "hostUsers: false"), "medium"),
        (pod("securityContext: {runAsUser: 2000}"), "high"),
        (service(), "high"),
        (pod("securityContext: {allowPrivilegeEscalation: false}"), None),
        (service("security_opt: [no-new-privileges:true]"), None),
        (pod("command: [/srv/other]"), None),
        (pod("securityContext: {runAsUser: 0}"), None),
    ],
)
def test_a_command_that_is_setuid_root(text: str, severity: str | None) -> None:
    house = House({"/srv/": (0o755, 0, 0), "/srv/run": (0o4755, 0, 0)})
    image = facts("1001:1001", files=FileFacts(entry_point=command(house.program("/srv/run"))), entrypoint=["/srv/run"])
    assert codes(reviewed(text, image)).get("root-by-command") == severity


def test_an_image_is_asked_for_once() -> None:
    asked: list[str] = []

    def facts_for(reference: Reference) -> ImageFacts:
        asked.append(str(reference))
        return NUMERIC

    found = review(f"{pod()}---\n{pod()}---\n{service(image='nginx')}", facts_for)
    assert asked == [IMAGE, "docker.io/library/nginx:latest"]
    assert (found.images, found.inspected) == (2, 2)


def test_no_more_images_are_asked_for_than_allowed() -> None:
    text = "services: {" + "".join(f"s{n}: {{image: 'x/y:{n}'}}," for n in range(51)) + "}"
    found = reviewed(text, NUMERIC)
    assert (found.images, found.inspected) == (51, 50)
    assert "deployment_images" in found.workloads[50].containers[0].open[0]
