"""Nexus: its catalog, or those of named repositories below one address, whose ``Link`` may be wrong (3.71)."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY, LOGIN

HOST = "nexus.example"
BELOW = "/repository/docker-hosted/v2/_catalog"
PAGES = {"": ["multi/alpine", "other"], "other": ["team/app"]}


def nexus(asked: Asked) -> Reply | None:
    if asked.authorization != LOGIN.basic():
        return Reply(401, b"", {"WWW-Authenticate": 'BASIC realm="Sonatype Nexus Repository Manager"'})
    if asked.path == BELOW:
        last = asked.query.get("last", "")
        # 3.71 names the address it thinks it has, without the folder.
        link = '<http://localhost:8081/v2/_catalog?n=2&last=other>; rel="next"'
        return json_reply({"repositories": PAGES[last]}, headers={} if last else {"Link": link})
    if asked.path == "/repository/empty/v2/_catalog":
        return json_reply({"repositories": None})
    if asked.path == "/v2/_catalog":
        return json_reply({"repositories": ["team/app"]})
    return None


def test_an_address_that_is_one_repository(hosts: Hosts) -> None:
    net = hosts({HOST: nexus})
    assert net.listed(HOST, "nexus", Wanted(), LOGIN) == ["team/app"]


def test_repositories_below_one_address(hosts: Hosts) -> None:
    net = hosts({HOST: nexus})
    found = net.listed(HOST, "nexus", Wanted(namespaces=("docker-hosted", "empty")), LOGIN)
    assert found == ["docker-hosted/multi/alpine", "docker-hosted/other", "docker-hosted/team/app"]
    assert net.heard(CANARY) == {HOST}
    assert [one.query.get("last") for one in net.asked if one.path == BELOW and one.authorization] == [None, "other"]


def test_a_repository_that_is_not_there(hosts: Hosts) -> None:
    net = hosts({HOST: nexus})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "nexus", Wanted(namespaces=("maven/../x",)), LOGIN)
    assert caught.value.code == "namespace-unknown"
    assert net.asked[-1].path == "/repository/maven%2F..%2Fx/v2/_catalog"


def test_a_wrong_password(hosts: Hosts) -> None:
    net = hosts({HOST: nexus})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "nexus", Wanted(namespaces=("docker-hosted",)), Credential("scanner", "wrong"))
    assert caught.value.code == "auth-failed"


@pytest.mark.parametrize("count", [1_000, 1_500])
def test_a_server_that_pages_by_no_rule_ends(hosts: Hosts, count: int) -> None:
    names = [f"app-{number:04}" for number in range(count)]
    net = hosts({HOST: lambda _: json_reply({"repositories": names})})
    assert len(net.listed(HOST, "nexus", Wanted(namespaces=("all",)))) == count
    assert len(net.asked) <= 2


def test_a_server_that_pages_without_a_link(hosts: Hosts) -> None:
    names = [f"app-{number:04}" for number in range(2_300)]

    def answers(asked: Asked) -> Reply:
        after = asked.query.get("last", "")
        return json_reply({"repositories": [name for name in names if name > after][: int(asked.query["n"])]})

    net = hosts({HOST: answers})
    assert net.listed(HOST, "nexus", Wanted(namespaces=("all",))) == [f"all/{name}" for name in names]
    assert len(net.asked) == 3
