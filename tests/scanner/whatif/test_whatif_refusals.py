"""Who refuses a pod before a runtime sees it, in their words."""

from __future__ import annotations

import pytest

from scanner.domain.start import Start, StartedBy
from scanner.whatif import RefusedBy
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
