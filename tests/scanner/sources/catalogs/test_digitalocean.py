"""DigitalOcean: named registries or all of the account, pages by the address in the answer."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY

HOST, API = "registry.digitalocean.com", "api.digitalocean.com"
TOKEN = Credential(CANARY, CANARY)


def silent(asked: Asked) -> None:
    """The registry, which no listing should need."""


def ocean(asked: Asked) -> Reply | None:
    if asked.authorization != f"Bearer {CANARY}":
        return json_reply({"id": "Unauthorized", "message": "Unable to authenticate you"}, 401)
    if asked.path == "/v2/registries":
        return json_reply({"registries": [{"name": "shop", "region": "fra1"}, {"name": "empty"}]})
    if asked.path == "/v2/registries/empty/repositoriesV2":
        return json_reply({"repositories": [], "meta": {"total": 0}, "links": {}})
    if asked.path != "/v2/registries/shop/repositoriesV2":
        return None
    page = int(asked.query["page"])
    pages = {"next": f"https://{API}{asked.path}?page={page + 1}&page_token=eyJ&per_page=2"} if page < 3 else {}
    found = [{"registry_name": "shop", "name": name, "tag_count": 1} for name in (f"app{page}", f"my/db{page}")]
    return json_reply({"repositories": found, "meta": {"total": 6}, "links": {"pages": pages}})


def test_all_registries_of_the_account(hosts: Hosts) -> None:
    net = hosts({HOST: silent, API: ocean})
    found = net.listed(HOST, "digitalocean", Wanted(), TOKEN)
    assert found == [f"shop/{name}{page}" for page in (1, 2, 3) for name in ("app", "my/db")]
    assert net.shown() == {API: {f"Bearer {CANARY}"}}


def test_a_named_one(hosts: Hosts) -> None:
    net = hosts({HOST: silent, API: ocean})
    assert net.listed(HOST, "digitalocean", Wanted(namespaces=("empty",)), TOKEN) == []
    assert len(net.asked) == 1


@pytest.mark.parametrize(("host", "credential"), [(HOST, None), ("mirror.example", TOKEN)])
def test_without_a_token_for_it_nothing_is_asked(hosts: Hosts, host: str, credential: Credential | None) -> None:
    net = hosts({host: silent, API: ocean})
    with pytest.raises(Refused) as caught:
        net.listed(host, "digitalocean", Wanted(), credential)
    assert (caught.value.code, net.asked) == ("auth-failed", [])


def test_a_wrong_token(hosts: Hosts) -> None:
    net = hosts({HOST: silent, API: ocean})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "digitalocean", Wanted(), Credential("me", "wrong"))
    assert caught.value.code == "auth-failed"
    assert "registry:read" in caught.value.remedy
