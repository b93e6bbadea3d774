"""Docker Hub: the login at its interface, pages by ``next``, and who was shown what."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from scanner.domain.problems import Refused, SourceProblem
from scanner.sources.catalogs import Wanted
from scanner.sources.catalogs.dockerhub import _Login
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY, LOGIN

REGISTRY, API = "registry-1.docker.io", "hub.docker.com"
TOKEN = "made-for-ten-minutes"
SHOP = Wanted(namespaces=("shop",))


def silent(asked: Asked) -> None:
    """The registry, which no listing should need."""


def hub(asked: Asked) -> Reply | None:
    """Three pages of two repositories for shop, nothing for library, 404 for others; private for who logged in."""
    if asked.path == "/v2/auth/token":
        sent = json.loads(asked.body)
        if (sent["identifier"], sent["secret"]) == ("scanner", CANARY):
            return json_reply({"access_token": TOKEN})
        return json_reply(
            {"detail": f"bad password {sent['secret']}", "errors": [{"code": "X", "message": sent["secret"]}]}, 401
        )
    if asked.path == "/v2/namespaces/library/repositories":
        return json_reply({"count": 0, "next": None, "previous": None, "results": []})
    if asked.path != "/v2/namespaces/shop/repositories":
        return None
    page = int(asked.query["page"])
    names = [f"app{page}", f"db{page}"] + (["private"] if asked.authorization == f"Bearer {TOKEN}" else [])
    following = f"https://{API}{asked.path}?page={page + 1}&page_size=2" if page < 3 else None
    return json_reply(
        {"count": 6, "next": following, "results": [{"name": name, "is_private": False} for name in names]}
    )


def test_public_repositories_need_no_login(hosts: Hosts) -> None:
    net = hosts({REGISTRY: silent, API: hub})
    wanted = Wanted(namespaces=("Shop", "library"))
    assert net.listed(REGISTRY, "dockerhub", wanted) == [
        f"shop/{name}{page}" for page in (1, 2, 3) for name in ("app", "db")
    ]
    assert net.shown() == {API: {None}}


def test_the_registrys_credential_logs_in_once(hosts: Hosts) -> None:
    net = hosts({REGISTRY: silent, API: hub})
    assert "shop/private" in net.listed(REGISTRY, "dockerhub", SHOP, LOGIN)
    assert [one.method for one in net.asked] == ["POST", "GET", "GET", "GET"]
    assert net.shown() == {API: {None, f"Bearer {TOKEN}"}}
    assert net.heard(CANARY) == {API}


def test_a_credential_for_another_host_is_not_docker_hubs(hosts: Hosts) -> None:
    net = hosts({"mirror.example": silent, API: hub})
    net.listed("mirror.example", "dockerhub", SHOP, LOGIN)
    assert net.heard(CANARY) == set()


def test_a_token_for_the_listing_is_used_wherever_the_registry_is(hosts: Hosts) -> None:
    net = hosts({"mirror.example": silent, API: hub})
    wanted = Wanted(namespaces=("shop",), api_token=LOGIN)
    assert "shop/private" in net.listed("mirror.example", "dockerhub", wanted, Credential("other", "elsewhere"))
    assert (net.heard(CANARY), net.heard("elsewhere")) == ({API}, set())


def test_the_token_is_renewed_before_it_ends(hosts: Hosts) -> None:
    net = hosts({REGISTRY: silent, API: hub})
    clock = iter([0.0, 539.0, 540.0, 540.0, 1_000.0])
    with net.source(REGISTRY, "dockerhub") as source:
        login = _Login(source, LOGIN, lambda: next(clock))
        for _ in range(4):
            login.authorization()
    assert len(net.asked) == 2


@pytest.mark.parametrize("for_listing", [False, True])
def test_a_wrong_password(hosts: Hosts, for_listing: bool) -> None:
    net = hosts({REGISTRY: silent, API: hub})
    wrong = Credential("scanner", "wrong-one")
    wanted = Wanted(namespaces=("shop",), api_token=wrong if for_listing else None)
    with pytest.raises(Refused) as caught:
        net.listed(REGISTRY, "dockerhub", wanted, None if for_listing else wrong)
    assert caught.value.code == "auth-failed"
    assert "wrong-one" not in caught.value.message + caught.value.remedy


def test_an_unknown_account_does_not_hide_the_others(hosts: Hosts) -> None:
    net = hosts({REGISTRY: silent, API: hub})
    found: list[str] = []
    with (
        net.source(REGISTRY, "dockerhub", Wanted(namespaces=("nobody", "shop"))) as source,
        pytest.raises(SourceProblem) as caught,
    ):
        found.extend(source.repositories())
    assert (caught.value.code, len(found)) == ("namespace-unknown", 6)
    assert "personal access token" in caught.value.remedy


def test_nothing_named(hosts: Hosts) -> None:
    net = hosts({REGISTRY: silent, API: hub})
    with pytest.raises(Refused) as caught:
        net.listed(REGISTRY, "dockerhub")
    assert (caught.value.code, net.asked) == ("namespaces-missing", [])
    assert "library" in caught.value.remedy


def test_entered_repositories_come_first_and_once(hosts: Hosts) -> None:
    net = hosts({REGISTRY: silent, API: hub})
    wanted = Wanted(namespaces=("shop",), entered=("shop/db2", "library/nginx", "Not A Name"))
    found = net.listed(REGISTRY, "dockerhub", wanted)
    assert found[:2] == ["shop/db2", "library/nginx"]
    assert len(found) == len(set(found)) == 7
    assert all(first != second for first, second in pairwise(found))


def test_a_next_page_on_another_host_is_not_asked_for(hosts: Hosts) -> None:
    away = json_reply({"next": "https://elsewhere.example/v2/", "results": [{"name": "app"}]})
    net = hosts(
        {
            REGISTRY: silent,
            "elsewhere.example": silent,
            API: lambda asked: hub(asked) if asked.method == "POST" else away,
        }
    )
    with pytest.raises(Refused) as caught:
        net.listed(REGISTRY, "dockerhub", SHOP, LOGIN)
    assert caught.value.code == "pagination-forbidden"
    assert set(net.shown()) == {API}
