from __future__ import annotations

import time

import pytest

from scanner.deployments import DeploymentProblem
from scanner.deployments.review import read_contents
from scanner.deployments.workloads import Container, Mount, Role, Workload
from scanner.domain.start import StartedBy
from tests.scanner.deployments.manifests import service


def services(text: str) -> dict[str, Workload]:
    return {workload.name: workload for workload in read_contents(text).workloads}


def web(fields: str) -> Container:
    (found,) = services(service(fields))["web"].containers
    return found


@pytest.mark.parametrize(
    ("written", "user"),
    [
        ('"0"', "0"),
        ("root", "root"),
        ("1000:1000", "1000:1000"),
        ('"10001"', "10001"),
        ("${APP_UID:-1000}:${APP_GID:-1000}", "1000:1000"),
        ("yes", "yes"),
        ('""', None),
        ("", None),
        ("~", None),
    ],
)
def test_a_user_is_what_compose_passes_on(written: str, user: str | None) -> None:
    found = web(f"user: {written}")
    assert (found.role, found.start.by, found.start.user) == (Role.SERVICE, StartedBy.DOCKER, user)
    assert not found.undecided or written in ("", "~")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("user: 0", "services.web.user must be a string"),
        ("user: 1e3", "services.web.user must be a string"),
        ("user: true", "services.web.user must be a string"),
        ("user: [a]", "services.web.user must be a string"),
        ("privileged: maybe", "services.web.privileged: invalid boolean: maybe"),
        ("user: ${", "services.web.user: invalid interpolation format"),
        ("extends: nobody", "cannot extend service: the service it extends is not in the file"),
        ("extends: web", "cannot extend service: circular reference"),
    ],
)
def test_compose_refuses_in_its_own_words(fields: str, message: str) -> None:
    faults = services(service(fields))["web"].faults
    assert [fault.message for fault in faults] == [message]
    assert faults[0].line >= 2


def test_a_service_is_a_mapping_with_an_image_or_a_build() -> None:
    found = services("services: {a: nginx, b: {command: x}, c: {build: .}}")
    assert "services.a must be a mapping" in [fault.message for fault in found["a"].faults]
    assert ["image" in fault.message for fault in found["b"].faults] == [True]
    assert found["c"].faults == ()
    assert found["c"].containers[0].built


def test_privileges_are_read() -> None:
    found = web(
        'cap_drop: [cap_all]\ncap_add: [NET_BIND_SERVICE]\nsecurity_opt: ["no-new-privileges:true"]\n'
        'read_only: "yes"\nprivileged: false\nuserns_mode: host\ngroup_add: [7, "8", staff]\ncommand: [a]'
    )
    assert found.start.drop_capabilities
    assert found.start.no_new_privileges
    assert found.start.supplemental_groups == (7, 8)
    assert found.group_names == ("staff",)
    assert found.privileges.read_only_root
    assert found.host_users
    assert found.own_command


def test_volumes_are_read() -> None:
    found = web(
        "volumes: [/var/lib/x, data:/data, ./src:/src:ro, {type: bind, source: /a, target: /b, read_only: true}]"
    )
    assert found.mounts == (
        Mount("", "/var/lib/x", "volume"),
        Mount("data", "/data", "volume"),
        Mount("./src", "/src", "bind", read_only=True),
        Mount("/a", "/b", "bind", read_only=True),
    )


def test_a_variable_without_a_value_leaves_the_user_open() -> None:
    found = web("user: ${APP_UID}")
    assert found.start.user is None
    assert found.undecided
    assert found.open == ("`user` holds the variable APP_UID, whose value is not in the file.",)


@pytest.mark.parametrize("key", ["post_start", "pre_stop"])
def test_a_hook_with_a_user_of_its_own_is_open(key: str) -> None:
    found = web(f"{key}: [{{command: ./x, user: root}}]")
    assert found.open == (f"`{key}` runs a command as user `root`, which is not judged.",)
    assert web(f"{key}: [{{command: ./x, privileged: true}}]").open
    assert web(f"{key}: [{{command: ./x}}]").open == ()


def test_a_default_that_was_taken_is_told() -> None:
    assert web("user: ${APP_UID:-1000}").assumed == ("APP_UID=1000",)


def test_extends_merges_services_of_the_file() -> None:
    found = services(
        "services:\n  base: {image: nginx, user: '1', cap_drop: [A], read_only: true}\n"
        "  mid: {extends: {service: base}, cap_drop: [B]}\n  top: {extends: mid, user: '2'}\n"
    )["top"].containers[0]
    assert (found.start.user, found.privileges.drop, found.privileges.read_only_root) == ("2", ("A", "B"), True)
    assert found.image is not None
    assert found.image.written == "nginx"


def test_a_service_of_another_file_is_open() -> None:
    (found,) = services("services: {a: {extends: {file: other.yaml, service: b}}}")["a"].containers
    assert found.undecided
    assert found.open == ("It extends a service of another file, which was not given.",)


def test_anchors_and_extension_fields_are_read_as_merged() -> None:
    found = services("x-a: &a {user: '7', image: nginx}\nservices: {a: {<<: *a}, b: {<<: *a, user: '8'}}")
    assert [found[name].containers[0].start.user for name in "ab"] == ["7", "8"]


def test_an_image_behind_a_variable_is_not_guessed() -> None:
    (found,) = services("services: {a: {image: 'shop/web:${TAG}'}}")["a"].containers
    assert found.image is not None
    assert (found.image.written, found.image.reference) == ("shop/web:${TAG}", None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("services: {" + "".join(f"s{n}: {{image: x}}," for n in range(501)) + "}", "limit-deployment-containers"),
        (
            "services:\n  base: {image: x, volumes: ["
            + "a," * 50_000
            + "]}\n"
            + "".join(f"  s{n}: {{extends: base}}\n" for n in range(400)),
            "limit-json-values",
        ),
    ],
)
def test_services_are_bounded(text: str, code: str) -> None:
    began = time.thread_time()
    with pytest.raises(DeploymentProblem) as caught:
        read_contents(text)
    assert caught.value.code == code
    assert time.thread_time() - began < 10
