"""Who a container is under a start, case by case."""

from __future__ import annotations

import pytest

from scanner.domain.identity import Identity, StartError, process_groups
from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.whatif.identity import started_as
from tests.support.facts import P0, P0_GROUP, facts

K8S, CRIO = StartedBy.KUBERNETES, StartedBy.CRIO
RANGE = (1_000_650_000, 1_000_659_999)

Ids = tuple[int, int, tuple[int, ...]]


def ids(user: str, start: Start) -> Ids | str:
    answer = started_as(facts(user, P0, P0_GROUP), start).resolution.answer
    if isinstance(answer, StartError):
        return answer.message
    return answer.uid, answer.gid, process_groups(answer)


DOCKER_CASES: list[tuple[str, str | None, Ids | str]] = [
    ("app", None, (1000, 1000, (10, 998))),
    ("app", "", (1000, 1000, (10, 998))),
    ("app:www", "3000", (3000, 0, ())),
    ("app:www", "web", (1001, 33, (998,))),
    ("1001:100", "10000", (10000, 0, ())),
    ("app", "3000:0", (3000, 0, ())),
    ("app", ":33", (0, 33, ())),
    ("app", "nosuch", "unable to find user nosuch: no matching entries in passwd file"),
    ("app", "1000:nosuch", "unable to find group nosuch: no matching entries in group file"),
    ("app", "2147483648", "uids and gids must be in range 0-2147483647"),
]


@pytest.mark.parametrize(("user", "asked", "expected"), DOCKER_CASES)
def test_docker_replaces_the_user_entirely(user: str, asked: str | None, expected: Ids | str) -> None:
    assert ids(user, Start(user=asked)) == expected


POD_CASES: list[tuple[str, Start, Ids | str]] = [
    ("9999:9999", Start(K8S), (9999, 0, ())),
    ("app", Start(K8S, run_as_user=1001), (1001, 33, (998,))),
    ("app", Start(K8S, run_as_user=3000), (3000, 0, ())),
    ("app", Start(K8S, run_as_user=3000, run_as_group=3001), (3000, 3001, ())),
    ("app", Start(K8S, run_as_user=1000, run_as_group=3001), (1000, 3001, (10, 998))),
    ("app", Start(K8S, run_as_group=3001), (1000, 3001, (10, 998))),
    ("", Start(K8S, run_as_group=3001), (0, 3001, (10,))),
    ("nosuch", Start(K8S, run_as_group=3001), "no users found"),
    ("app", Start(K8S, merge_groups=False), (1000, 1000, ())),
    ("app", Start(K8S, merge_groups=False, supplemental_groups=(7, 8), fs_group=2000), (1000, 1000, (7, 8, 2000))),
    ("app", Start(K8S, supplemental_groups=(7,), fs_group=7), (1000, 1000, (7, 10, 998))),
    ("app", Start(CRIO, openshift_range=RANGE), (1_000_650_000, 0, (1_000_650_000,))),
    ("app", Start(CRIO, openshift_range=(1000, 1999)), (1000, 1000, (10, 998))),
    ("app", Start(CRIO, openshift_range=RANGE, run_as_user=1_000_650_007), (1_000_650_007, 0, (1_000_650_000,))),
]


@pytest.mark.parametrize(("user", "start", "expected"), POD_CASES)
def test_pods(user: str, start: Start, expected: Ids | str) -> None:
    assert ids(user, start) == expected


NAMESPACE_CASES: list[tuple[str, Ids | str]] = [
    ("1000", (101_000, 101_000, (100_010, 100_998))),
    ("0:0", (100_000, 100_000, ())),
    ("65535:0", (165_535, 100_000, ())),
    ("65536:0", "cannot setuid to unmapped uid 65536 in user namespace"),
    ("1000:65536", "setgroups: invalid argument"),
]


@pytest.mark.parametrize(("asked", "expected"), NAMESPACE_CASES)
def test_a_user_namespace_shifts_ids_or_does_not_map_them(asked: str, expected: Ids | str) -> None:
    start = Start(user=asked, user_namespace=UserNamespace(100_000))
    found = started_as(facts("app", P0, P0_GROUP), start)
    if isinstance(expected, str):
        assert (found.resolution.answer, found.host) == (StartError(expected), None)
    else:
        assert found.host is not None
        assert (found.host.uid, found.host.gid, found.host.groups) == expected


def test_uid_minus_one_is_no_uid() -> None:
    passwd = "app:x:4294967295:5::/:/bin/sh\n"
    found = started_as(facts("root", passwd), Start(user="app"))
    assert found.resolution.answer == StartError("cannot setuid to unmapped uid 4294967295 in user namespace")


def test_the_declared_identity_has_no_settings() -> None:
    found = started_as(facts("app", P0, P0_GROUP), Start(K8S, run_as_user=3000, run_as_group=5, fs_group=6))
    declared = found.declared.answer
    assert isinstance(declared, Identity)
    assert (declared.uid, declared.gid, process_groups(declared)) == (1000, 1000, (10, 998))


def test_every_setting_is_a_step() -> None:
    start = Start(
        CRIO, openshift_range=RANGE, run_as_group=5, merge_groups=False, user_namespace=UserNamespace(5, 2**31)
    )
    told = "\n".join(step.text for step in started_as(facts("app", P0, P0_GROUP), start).resolution.steps)
    for text in (
        "OpenShift sets runAsUser to 1000650000, the first uid of the namespace's range",
        'runAsUser 1000650000 replaces the image\'s USER "app" entirely',
        "no line of /etc/passwd has uid 1000650000",
        "runAsGroup is 5, so the gid is 5",
        "supplementalGroupsPolicy is Strict",
        "the start adds the groups 1000650000",
        "uid 1000650000 is uid 1000650005 of the host",
    ):
        assert text in told
