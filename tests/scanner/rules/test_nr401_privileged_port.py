from __future__ import annotations

import pytest

from scanner.rules.nr401_privileged_port import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts


@pytest.mark.parametrize(
    "key", ["80/tcp", "80", "1023/udp", "1/sctp", "0-1/tcp", "80-90/tcp", "1000-2000", "00080/TCP", "443/Tcp"]
)
def test_violated(key: str) -> None:
    assert answer(RULE, facts("9000:9000", exposed=["8080/tcp", key])) == "violated"


@pytest.mark.parametrize("key", ["8080/tcp", "1024", "0/tcp", "0", "65535/udp", "8000-8010/tcp"])
def test_ok(key: str) -> None:
    assert answer(RULE, facts("9000:9000", exposed=[key])) == "ok"


def test_ok_without_ports() -> None:
    assert answer(RULE, facts("9000:9000")) == "ok"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "http",
        "90-80/tcp",
        "65536",
        "-80",
        "80/",
        "80/tcp/",
        "80/icmp",
        " 80",
        "80 ",
        "+80",
        "8_0",
        "８０",
        "80-",
        "0x50",
    ],
)
def test_unknown_where_a_key_is_no_port(key: str) -> None:
    assert answer(RULE, facts("9000:9000", exposed=["8080/tcp", key])) == "unknown"


def test_a_low_port_counts_beside_one_that_is_none() -> None:
    assert answer(RULE, facts("9000:9000", exposed=["http", "80"])) == "violated"


@pytest.mark.parametrize("user", ["", "0", "nosuch"])
def test_counts_whoever_it_runs_as(user: str) -> None:
    assert answer(RULE, facts(user, exposed=["80"])) == "violated"


def test_says_where_it_works_and_where_not() -> None:
    reason = str(RULE.check(facts("9000", exposed=["80/tcp"]), None).reason)
    assert "`80/tcp`" in reason
    assert "works on Docker since 20.10" in reason
    assert "not on OpenShift and CRI-O, Podman, containerd 1" in reason


def test_shows_the_key() -> None:
    found = evidence(RULE, facts("9000", exposed=["443/tcp"]))
    assert (found["pointer"], found["declared"]) == ("/config/ExposedPorts", "443/tcp")


def test_fix_moves_this_port() -> None:
    advice = fix(RULE, facts("9000", exposed=["443/tcp", "80"]))
    assert "EXPOSE 8443\nEXPOSE 8080\n" in advice
    assert "targetPort: 8443" in advice
    assert 'ports: ["443:8443"]' in advice
    assert "net.ipv4.ip_unprivileged_port_start: 0" in advice


def test_a_thousand_ports_stay_readable() -> None:
    finding = RULE.check(facts("9000", exposed=[f"{port}/tcp" for port in range(1, 1_001)]), None)
    assert "and 997 more" in str(finding.reason)
    assert len(finding.evidence) == 20
    assert finding.fix.count("EXPOSE") == 8
