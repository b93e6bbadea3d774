from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr113_runtimes_disagree import RULE
from tests.scanner.domain.identity_rows import FILES, ROWS, Row
from tests.support.answers import answer, fix
from tests.support.facts import APP, P0, P0_GROUP, facts

# Rows of the oracle table that it counts in; what is left out is what another rule says, or what all agree on.
DISAGREE = {
    18: "containerd takes the empty group for gid 0",
    22: "the same",
    44: "containerd refuses three fields",
    45: "the same",
    96: "containerd and Podman ignore the gid of root's line",
    105: "root in the containerd of CVE-2026-46680, the number itself in Podman",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_the_oracle_table(row: Row) -> None:
    outcome = answer(RULE, facts(row.user, *FILES[row.files]))
    assert (outcome == "violated") is (row.number in DISAGREE)


@pytest.mark.parametrize("user", ["", "0", "root", "app", "1000", "9999", "web", "app:app", "9999:9999", "app:0"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user, P0, P0_GROUP)) == "ok"


def test_what_kubelet_drops_is_nr111() -> None:
    assert answer(RULE, facts("9999:9999", P0, P0_GROUP)) == "ok"
    assert answer(RULE, facts("app:nosuch", P0, P0_GROUP)) == "ok"


@pytest.mark.parametrize("user", ["nosuch", "-1", "4294967296"])
def test_not_applicable_where_nothing_starts_it(user: str) -> None:
    assert answer(RULE, facts(user)) == "not_applicable"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_unknown_where_accounts_cannot_be_read(state: ReadState) -> None:
    assert answer(RULE, facts("5", "", passwd_state=state)) == "unknown"
    assert answer(RULE, facts("5", group="", group_state=state)) == "unknown"


def test_docker_makes_a_linked_etc_anew() -> None:
    image = facts("1001")
    image = replace(image, passwd=replace(image.passwd, links=("/etc -> usr/etc",), resolved="/usr/etc/passwd"))
    assert answer(RULE, image) == "violated"


def test_a_folder_stops_some() -> None:
    assert answer(RULE, facts("5", "", passwd_state=ReadState.NOT_REGULAR)) == "violated"


def test_versions_count() -> None:
    passwd = APP + "2147483648:x:0:0:::\n"
    finding = RULE.check(facts("2147483648", passwd), None)
    assert "containerd (1.7.27 to 1.7.31" in str(finding.reason)
    assert [place["component"] for place in finding.evidence if "component" in place] == [
        *("containerd", "containerd", "kubelet")
    ]


def test_evidence_is_every_answer() -> None:
    finding = RULE.check(facts("app:"), None)
    found = {place["runtime"]: place["identity"] for place in finding.evidence if "runtime" in place}
    assert found == {
        "Docker": "1001:1001",
        "Docker with runc 1.1": "1001:1001",
        "containerd": "1001:0",
        "Kubernetes with CRI-O": "1001:1001",
        "Podman": "1001:1001",
        "Kubernetes with containerd": "1001:1001",
    }


def test_one_sentence_takes_those_that_agree_together() -> None:
    others = "Docker, Docker with runc 1.1, Kubernetes with CRI-O, Podman, Kubernetes with containerd"
    assert RULE.check(facts("app:"), None).reason == f"{others}: 1001:1001; containerd: 1001:0."


def test_the_fix_is_two_numbers() -> None:
    assert "USER 1001:1001" in fix(RULE, facts("app:"))
