"""Artifactory: one repository with an address of its own, or all local ones below one address."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY, LOGIN

HOST = "shop.jfrog.io"
TOKEN = Credential("", "an-access-token")
KEYS = [
    {"key": "docker-local", "type": "LOCAL", "packageType": "Docker"},
    {"key": "docker-virtual", "type": "VIRTUAL", "packageType": "Docker"},
    {"key": "hub", "type": "REMOTE", "packageType": "Docker"},
    {"key": "everywhere", "type": "FEDERATED", "packageType": "Docker"},
]


def artifactory(asked: Asked) -> Reply | None:
    if asked.authorization not in (LOGIN.basic(), TOKEN.bearer()):
        return json_reply({}, 401, WWW_Authenticate='Basic realm="Artifactory Realm"')
    if asked.path == "/artifactory/api/repositories" and asked.query == {"packageType": "docker"}:
        return json_reply(KEYS)
    if asked.path == "/artifactory/api/docker/docker-local/v2/_catalog":
        last = asked.query.get("last")
        link = {} if last else {"Link": '</v2/_catalog?last=base&n=1000>; rel="next"'}
        return json_reply({"repositories": ["team/app"] if last == "base" else ["base"]}, headers=link)
    if asked.path in (f"/artifactory/api/docker/{key}/v2/_catalog" for key in ("everywhere", "hub")):
        return json_reply({"repositories": ["one"]})
    return None


def test_all_local_repositories(hosts: Hosts) -> None:
    net = hosts({HOST: artifactory})
    found = net.listed(HOST, "artifactory", Wanted(), LOGIN)
    assert found == ["docker-local/base", "docker-local/team/app", "everywhere/one"]
    assert net.shown() == {HOST: {None, LOGIN.basic()}}


def test_named_ones(hosts: Hosts) -> None:
    net = hosts({HOST: artifactory})
    assert net.listed(HOST, "artifactory", Wanted(namespaces=("hub",)), LOGIN) == ["hub/one"]
    assert not any("repositories" in one.path for one in net.asked)


def test_a_token_of_its_own_names_the_repositories(hosts: Hosts) -> None:
    net = hosts({HOST: artifactory})
    net.listed(HOST, "artifactory", Wanted(api_token=TOKEN), LOGIN)
    assert [one.authorization for one in net.asked if one.path.endswith("/repositories")] == [TOKEN.bearer()]


def test_a_repository_with_an_address_of_its_own(hosts: Hosts) -> None:
    net = hosts({"docker-local.shop.example": lambda _: json_reply({"repositories": ["base", "team/app"]})})
    assert net.listed("docker-local.shop.example", "artifactory") == ["base", "team/app"]
    assert len(net.asked) == 1


def test_nothing_can_be_listed(hosts: Hosts) -> None:
    net = hosts({HOST: lambda _: None})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "artifactory", Wanted(), LOGIN)
    assert "name the repositories" in caught.value.remedy


def test_a_wrong_password(hosts: Hosts) -> None:
    net = hosts({HOST: artifactory})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "artifactory", Wanted(), Credential("scanner", "wrong"))
    assert caught.value.code == "auth-failed"
    assert {one.path for one in net.asked} == {"/v2/_catalog"}


def test_a_token_the_server_repeats_is_not_told(hosts: Hosts) -> None:
    said = json_reply({"errors": [{"code": "DENIED", "message": f"not {CANARY}"}]}, 403)
    net = hosts({HOST: lambda asked: said if "repositories" in asked.path else None})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "artifactory", Wanted(api_token=Credential("me", CANARY)))
    assert (caught.value.code, CANARY in caught.value.message) == ("denied", False)
