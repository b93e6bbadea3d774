"""What each platform answers to a start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.whatif import what_if
from tests.support.facts import P0, P0_GROUP, facts, privileged
from tests.support.file_facts import House, command

K8S, CRIO = StartedBy.KUBERNETES, StartedBy.CRIO
HOUSE = House({"/srv/": (0o755, 0, 0), "/srv/run": (0o755, 0, 0), "/srv/mine": (0o700, 1000, 1000)})
SCC = "unable to validate against any security context constraint: provider restricted-"
EXAMPLE = "(in a namespace with the range 1000650000/10000)"
V3 = "(for a pod with hostUsers: false, the only ones it takes)"

CASES: list[tuple[str, Start, str, str, str]] = [
    ("app", Start(user="3000:0"), "docker-run", "admit", "it starts as uid 3000, gid 0"),
    (
        "app",
        Start(user="nosuch"),
        "docker-run",
        "refuse",
        "Error response from daemon: unable to find user nosuch: no matching entries in passwd file",
    ),
    ("app", Start(K8S, run_as_user=3000, run_as_group=5), "docker-run", "admit", "it starts as uid 3000, gid 5"),
    ("app", Start(K8S, run_as_group=5), "docker-run", "admit", "it starts as uid 1000, gid 5"),
    ("9999:9999", Start(K8S), "docker-run", "admit", "it starts as uid 9999, gid 9999"),
    ("app", Start(K8S, run_as_user=3000), "podman-run", "admit", "it starts as uid 3000, gid 0"),
    ("app", Start(user="3000:0"), "kubernetes-run-as-non-root", "admit", "it starts as uid 3000, gid 0"),
    (
        "app",
        Start(user="0"),
        "kubernetes-run-as-non-root",
        "refuse",
        "container's runAsUser breaks non-root policy",
    ),
    (
        "app",
        Start(),
        "kubernetes-run-as-non-root",
        "refuse",
        "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root",
    ),
    (
        "app",
        Start(user="web"),
        "kubernetes-run-as-non-root",
        "unknown",
        "a pod gives its user and group as numbers, and `web` is none",
    ),
    ("app", Start(user="1000:www"), "openshift-restricted-v2", "unknown", "numbers, and `www` is none"),
    ("app", Start(user="3000:0"), "pod-security-restricted", "admit", "it starts as uid 3000, gid 0"),
    (
        "app",
        Start(user="0"),
        "pod-security-restricted",
        "refuse",
        'violates PodSecurity "restricted:latest": runAsUser=0',
    ),
    (
        "app",
        Start(K8S, run_as_non_root=False, run_as_user=5),
        "pod-security-restricted",
        "refuse",
        'violates PodSecurity "restricted:latest": runAsNonRoot != true',
    ),
    ("app", Start(), "openshift-restricted-v2", "admit", "it starts as uid 1000650000, gid 0, whatever USER says"),
    (
        "app",
        Start(user="3000:0"),
        "openshift-restricted-v2",
        "refuse",
        f"{SCC}v2: runAsUser: Invalid value: 3000: must be in the ranges: [1000650000, 1000659999] {EXAMPLE}",
    ),
    (
        "app",
        Start(CRIO, openshift_range=(2000, 2999)),
        "openshift-restricted-v2",
        "admit",
        "it starts as uid 2000, gid 0",
    ),
    ("app", Start(), "openshift-restricted-v3", "admit", "it starts as uid 1000, gid 1000, whatever USER says"),
    ("app", Start(user="3000:0"), "openshift-restricted-v3", "admit", f"it starts as uid 3000, gid 0 {V3}"),
    (
        "app",
        Start(user="999"),
        "openshift-restricted-v3",
        "refuse",
        f"{SCC}v3: runAsUser: Invalid value: 999: must be in the ranges: [1000, 65534] {V3}",
    ),
    ("app", Start(), "user-namespace", "admit", "it starts as uid 1000, gid 1000; on the host uid 101000, gid 101000"),
    (
        "app",
        Start(user_namespace=UserNamespace(200_000)),
        "user-namespace",
        "admit",
        "it starts as uid 1000, gid 1000; on the host uid 201000, gid 201000",
    ),
    (
        "app",
        Start(user="70000:0"),
        "user-namespace",
        "refuse",
        "cannot setuid to unmapped uid 70000 in user namespace",
    ),
]


def image(user: str, program: str = "/srv/run") -> ImageFacts:
    return facts(user, P0, P0_GROUP, files=HOUSE.facts("/home/app", command=command(HOUSE.program(program))))


@pytest.mark.parametrize(("user", "start", "platform", "answer", "message"), CASES)
def test_answers(user: str, start: Start, platform: str, answer: str, message: str) -> None:
    found = what_if(image(user), start).platforms[platform]
    assert found.answer == answer
    assert message in found.message


def test_a_command_nobody_can_execute_is_refused() -> None:
    found = what_if(image("1000", "/srv/mine"), Start()).platforms
    refused = {name for name, answer in found.items() if "permission denied" in answer.message}
    assert refused == {"openshift-restricted-v2"}


def test_capabilities_of_the_command_are_refused_where_all_are_dropped() -> None:
    made = image("1000")
    assert made.files is not None
    capable = privileged("/srv/run", capability=bytes.fromhex("0100000200040000000000000000000000000000"))
    made = replace(made, files=replace(made.files, privileged=(capable,), privileged_total=1))
    found = what_if(made, Start()).platforms
    refused = {name for name, answer in found.items() if "operation not permitted" in answer.message}
    assert refused == {"pod-security-restricted", "openshift-restricted-v2", "openshift-restricted-v3"}


def test_unread_files_are_unknown() -> None:
    found = what_if(facts("1000", P0, P0_GROUP, files=None), Start()).platforms
    assert {answer.answer for answer in found.values()} == {"unknown"}
