"""Who refuses a pod before a runtime sees it, in their words."""

from __future__ import annotations

import pytest

from scanner.domain.files import FileFacts, Node, NodeKind, Place
from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.whatif import RefusedBy, what_if
from scanner.whatif.identity import started_as
from tests.support.facts import P0, P0_GROUP, facts

K8S, CRIO = StartedBy.KUBERNETES, StartedBy.CRIO
RANGE = (1_000_650_000, 1_000_659_999)
SCC = "unable to validate against any security context constraint: provider restricted-v2: "

CASES: list[tuple[str, Start, RefusedBy, str]] = [
    (
        "app",
        Start(K8S, run_as_user=-1),
        RefusedBy.API,
        "runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
    ),
    (
        "app",
        Start(K8S, run_as_group=2**31),
        RefusedBy.API,
        "runAsGroup: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive",
    ),
    (
        "app",
        Start(K8S, supplemental_groups=(5, 2**31)),
        RefusedBy.API,
        "supplementalGroups: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive",
    ),
    (
        "app",
        Start(CRIO, openshift_range=RANGE, run_as_user=3000),
        RefusedBy.OPENSHIFT,
        f"{SCC}runAsUser: Invalid value: 3000: must be in the ranges: [1000650000, 1000659999]",
    ),
    (
        "app",
        Start(CRIO, openshift_range=RANGE, fs_group=0),
        RefusedBy.OPENSHIFT,
        f"{SCC}fsGroup: Invalid value: []int64{{0}}: 0 is not an allowed group",
    ),
    (
        "app",
        Start(K8S, run_as_user=0, run_as_non_root=True),
        RefusedBy.KUBELET,
        "container's runAsUser breaks non-root policy",
    ),
    (
        "app",
        Start(K8S, run_as_non_root=True),
        RefusedBy.KUBELET,
        "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root",
    ),
    (
        "",
        Start(K8S, run_as_non_root=True),
        RefusedBy.KUBELET,
        "container has runAsNonRoot and image will run as root",
    ),
]


@pytest.mark.parametrize(("user", "start", "by", "message"), CASES)
def test_refusals(user: str, start: Start, by: RefusedBy, message: str) -> None:
    found = started_as(facts(user, P0, P0_GROUP), start)
    assert found.refusal is not None
    assert (found.refusal.by, found.refusal.message) == (by, message)
    assert found.identity is None


FAR = Place("/srv/far", Node(NodeKind.FILE, 0o644, 70_000, 0))
FAR_AWAY = facts("1000", P0, P0_GROUP, files=FileFacts(highest_uid=FAR, highest_gid=FAR))


def test_an_engine_cannot_unpack_an_owner_that_is_not_mapped() -> None:
    found = started_as(FAR_AWAY, Start(user_namespace=UserNamespace(100_000)))
    assert found.refusal is not None
    assert found.refusal.by is RefusedBy.ENGINE
    assert found.refusal.message.startswith('failed to Lchown "/srv/far" for UID 70000, GID 0')
    for start in (Start(), Start(user_namespace=UserNamespace(100_000, 70_001))):
        assert started_as(FAR_AWAY, start).refusal is None


def test_a_pod_with_such_a_file_starts_and_the_file_is_unknown() -> None:
    found = what_if(FAR_AWAY, Start(K8S, user_namespace=UserNamespace(100_000)))
    assert found.started.refusal is None
    assert found.consequences is not None
    assert any("/srv/far belongs to 70000:0" in text for text in found.consequences.unknown)


@pytest.mark.parametrize(
    ("user", "start"),
    [
        ("app", Start(K8S, run_as_user=1000, run_as_non_root=True)),
        ("1000", Start(K8S, run_as_non_root=True)),
        ("app", Start(K8S, run_as_user=0)),
        ("", Start(K8S, run_as_non_root=False)),
        ("app", Start(CRIO, openshift_range=RANGE)),
        ("app", Start(CRIO, openshift_range=RANGE, run_as_user=RANGE[1], fs_group=RANGE[1])),
        ("app", Start(user="0")),
    ],
)
def test_nobody_refuses(user: str, start: Start) -> None:
    assert started_as(facts(user, P0, P0_GROUP), start).refusal is None
