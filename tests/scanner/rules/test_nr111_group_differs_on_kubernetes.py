from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr111_group_differs_on_kubernetes import RULE
from tests.support.answers import answer, fix
from tests.support.facts import P0, P0_GROUP, facts


def said(user: str) -> str:
    return str(RULE.check(facts(user, P0, P0_GROUP), None).reason)


@pytest.mark.parametrize(
    ("user", "docker", "pod"),
    [
        ("9999:9999", "9999:9999", "9999:0"),
        ("9999:www", "9999:33", "9999:0"),
        ("app:0", "1000:0", "1000:1000 with groups 10, 998"),
        ("1000:1000", "1000:1000", "1000:1000 with groups 10, 998"),
        (":1000", "0:1000", "0:0 with groups 10"),
        ("0:0", "0:0", "0:0 with groups 10"),
    ],
)
def test_kubelet_drops_it(user: str, docker: str, pod: str) -> None:
    assert answer(RULE, facts(user, P0, P0_GROUP)) == "violated"
    assert f"Docker starts it as {docker}, Kubernetes as {pod}: kubelet does not send the group" in said(user)


@pytest.mark.parametrize("user", ["", "app", "1000", "9999", "app:", "nosuch", "bin:bin", "bin:1", "9999:0", "555:555"])
def test_ok(user: str) -> None:
    group = P0_GROUP + "bin:x:1:\n"
    assert answer(RULE, facts(user, P0, group)) == "ok"


@pytest.mark.parametrize("user", ["app:nosuch", "nosuch:1", "1000:-1", "-1:1"])
def test_not_applicable_where_docker_does_not_start_it(user: str) -> None:
    assert answer(RULE, facts(user, P0, P0_GROUP)) == "not_applicable"


def test_unknown_where_accounts_cannot_be_read() -> None:
    assert answer(RULE, facts("app:app", "", passwd_state=ReadState.TOO_LARGE)) == "unknown"
    assert answer(RULE, facts("app:app", group="", group_state=ReadState.LINK_LOOP)) == "unknown"


def test_unknown_where_only_docker_starts_it() -> None:
    assert answer(RULE, facts("5:5", "", passwd_state=ReadState.NOT_REGULAR)) == "unknown"


def test_evidence_is_what_each_makes_of_it() -> None:
    places = RULE.check(facts("9999:5", P0, P0_GROUP), None).evidence
    assert [(place["runtime"], place["identity"]) for place in places[1:]] == [
        ("Docker", "9999:5"),
        ("Kubernetes with CRI-O", "9999:0"),
        ("Kubernetes with containerd", "9999:0"),
    ]


def test_many_groups_are_counted() -> None:
    group = "".join(f"g{gid}:x:{gid}:app\n" for gid in range(100, 130))
    assert "and 20 more" in str(RULE.check(facts("app:1001", group=group), None).reason)


def test_the_fix_says_the_group_in_the_pod_and_makes_a_missing_account() -> None:
    assert "runAsGroup: 50" in fix(RULE, facts("9999:50"))
    assert "useradd --uid 9999 --gid 50" in fix(RULE, facts("9999:50"))
    assert "useradd" not in fix(RULE, facts("app:50"))
