"""GitHub: packages of organizations, or else of users, pages by ``Link``, and no question without a token."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused, Unavailable
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY

API = "api.github.com"
PAT = Credential("octo", CANARY)
ACME = Wanted(namespaces=("Acme",))


def silent(asked: Asked) -> None:
    """The registry, whose catalog is a 404."""


def github(asked: Asked) -> Reply | None:
    """Two pages for the organization Acme, one for the user octo."""
    if asked.authorization != f"Bearer {CANARY}":
        return json_reply({"message": "Requires authentication"}, 401)
    page = int(asked.query.get("page", "1"))
    if asked.path == "/orgs/Acme/packages":
        names = {1: ["api", "nested/web"], 2: ["DB"]}[page]
        more = (
            {"Link": f'<https://{API}/orgs/Acme/packages?package_type=container&page=2>; rel="next"'}
            if page == 1
            else {}
        )
        return json_reply([{"id": 1, "name": name, "package_type": "container"} for name in names], headers=more)
    if asked.path == "/users/octo/packages":
        return json_reply([{"id": 2, "name": "tool"}])
    return None


def test_organizations_and_users(hosts: Hosts) -> None:
    net = hosts({"ghcr.io": silent, API: github})
    found = net.listed("ghcr.io", "ghcr", Wanted(namespaces=("Acme", "octo")), PAT)
    assert found == ["acme/api", "acme/nested/web", "acme/db", "octo/tool"]
    assert net.shown() == {API: {f"Bearer {CANARY}"}}
    assert all(one.headers["X-GitHub-Api-Version"] == "2022-11-28" for one in net.asked)


def test_a_token_of_its_own_goes_there_and_the_registrys_password_does_not(hosts: Hosts) -> None:
    net = hosts({"ghcr.io": silent, API: github})
    net.listed("ghcr.io", "ghcr", Wanted(namespaces=("Acme",), api_token=PAT), Credential("robot", "for-pulls"))
    assert (net.heard(CANARY), net.heard("for-pulls")) == ({API}, set())


@pytest.mark.parametrize(("host", "credential"), [("ghcr.io", None), ("mirror.example", PAT)])
def test_without_a_token_for_it_nothing_is_asked(hosts: Hosts, host: str, credential: Credential | None) -> None:
    net = hosts({host: silent, API: github})
    with pytest.raises(Refused) as caught:
        net.listed(host, "ghcr", ACME, credential)
    assert (caught.value.code, net.asked) == ("auth-failed", [])
    assert "read:packages" in caught.value.remedy


def test_a_token_github_does_not_take(hosts: Hosts) -> None:
    net = hosts({"ghcr.io": silent, API: github})
    with pytest.raises(Refused) as caught:
        net.listed("ghcr.io", "ghcr", ACME, Credential("octo", "expired"))
    assert (caught.value.code, len(net.asked)) == ("auth-failed", 1)
    assert "read:packages" in caught.value.remedy


@pytest.mark.parametrize("token", ["two words", "line\r\nX-Evil: 1", ""])
def test_a_token_that_is_none_is_not_sent(hosts: Hosts, token: str) -> None:
    net = hosts({"ghcr.io": silent, API: github})
    with pytest.raises(Refused) as caught:
        net.listed("ghcr.io", "ghcr", ACME, Credential("octo", token))
    assert (caught.value.code, net.asked) == ("auth-failed", [])


def test_githubs_way_to_say_too_many_requests(hosts: Hosts) -> None:
    limited = json_reply({"message": "API rate limit exceeded"}, 403, X_RateLimit_Remaining="0")
    net = hosts({"ghcr.io": silent, API: lambda _: limited})
    with pytest.raises(Unavailable) as caught:
        net.listed("ghcr.io", "ghcr", ACME, PAT)
    assert (caught.value.code, len(net.asked)) == ("rate-limited", 1)


def test_nobody_by_that_name(hosts: Hosts) -> None:
    net = hosts({"ghcr.io": silent, API: github})
    with pytest.raises(Refused) as caught:
        net.listed("ghcr.io", "ghcr", Wanted(namespaces=("ghost",)), PAT)
    assert caught.value.code == "namespace-unknown"
    assert [one.path for one in net.asked] == ["/orgs/ghost/packages", "/users/ghost/packages"]


def test_nothing_named(hosts: Hosts) -> None:
    net = hosts({"ghcr.io": silent, API: github})
    with pytest.raises(Refused) as caught:
        net.listed("ghcr.io", "ghcr", Wanted(), PAT)
    assert (caught.value.code, net.asked) == ("namespaces-missing", [])
