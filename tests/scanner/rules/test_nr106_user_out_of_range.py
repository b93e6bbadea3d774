from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr106_user_out_of_range import RULE
from tests.support.answers import answer, evidence
from tests.support.facts import facts


@pytest.mark.parametrize(
    "user",
    [
        "-1",
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "99999999999999999999",
        "-99999999999999999999",
        "1000:2147483648",
        "1000:-1",
        ":99999999999999999999",
        "app:-1",
    ],
)
def test_a_number_in_user(user: str) -> None:
    assert answer(RULE, facts(user)) == "violated"


@pytest.mark.parametrize("uid", ["2147483648", "4294967295", "4294967296", "-1", "99999999999999999999", "-4294967296"])
def test_an_id_from_passwd(uid: str) -> None:
    assert answer(RULE, facts("app", f"app:x:{uid}:1000::/:\n")) == "violated"
    assert answer(RULE, facts("app", f"app:x:1000:{uid}::/:\n")) == "violated"
    assert answer(RULE, facts("1000", f"app:x:1000:{uid}::/:\n")) == "violated"


@pytest.mark.parametrize("group", ["g:x:4294967296:", "g:x:-1:", "g:x:-1:app", "g:x:4294967296:app"])
def test_an_id_from_group(group: str) -> None:
    user = "app" if group.endswith("app") else "app:g"
    assert answer(RULE, facts(user, group=f"{group}\n")) == "violated"


@pytest.mark.parametrize("user", ["", "0", "2147483647", "app", "app:app", "1e99", "99999999999999999999x"[:2]])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user)) == "ok"


def test_ids_that_are_not_used_do_not_count() -> None:
    passwd = "other:x:-1:-1::/:\napp:x:1001:4294967296::/:\n"
    assert answer(RULE, facts("app:1001", passwd)) == "ok"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_unknown(state: ReadState) -> None:
    assert answer(RULE, facts("app", "", passwd_state=state)) == "unknown"
    assert answer(RULE, facts("app:app", group="", group_state=state)) == "unknown"


def test_evidence_is_the_line() -> None:
    found = evidence(RULE, facts("app", "app:x:-1:1000::/:\n"))
    assert (found["path"], found["line"]) == ("/etc/passwd", 1)


def test_says_which_versions_make_it_root() -> None:
    finding = RULE.check(facts("4294967296"), None)
    assert "Root: containerd (before 1.6.38, 1.7.27 and 2.0.4) cuts the number to 32 bits: uid 0." in str(
        finding.reason
    )
    assert "Also: kubelet (before 1.34) admits it" in str(finding.reason)
    assert [place.get("component") for place in finding.evidence] == [None, "containerd", "kubelet"]


def test_a_name_beyond_64_bits_is_root_where_passwd_says_so() -> None:
    number = "99999999999999999999"
    root = RULE.check(facts(number, f"{number}:x:0:0:::\n"), None)
    assert "Root: moby/sys user (0.4.0 and older: Docker Engine 29.6.0 and older" in str(root.reason)
    assert "Root" not in str(RULE.check(facts(number), None).reason)
