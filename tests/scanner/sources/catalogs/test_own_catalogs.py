"""Products that list by the registry's own catalog: ECR, ACR, Gitea and Zot as they answer, and the real registry."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.catalogs import PRODUCTS, Listing, Wanted, lists
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.images import image
from tests.support.products import Asked, Handler, Reply, json_reply
from tests.support.real_registry import RealRegistry
from tests.support.sources import CANARY, LOCAL, LOGIN

NAMES = [f"team/app-{number:03}" for number in range(250)]
AWS = Credential("AWS", CANARY)
ECR, ACR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "shop.azurecr.io"


def page(asked: Asked, size: int, link: str) -> Reply:
    """A page of names after ``last``; ``link`` makes the address of the next one from the last name."""
    after = asked.query.get("last", "")
    names = [name for name in NAMES if name > after][:size]
    more = {"Link": f'<{link.format(names[-1])}>; rel="next"'} if names[-1] != NAMES[-1] else {}
    return json_reply({"repositories": names}, headers=more)


def ecr(asked: Asked) -> Reply:
    if asked.authorization != AWS.basic():
        return json_reply({}, 401, WWW_Authenticate=f'Basic realm="https://{ECR}/",service="ecr.amazonaws.com"')
    return page(asked, 100, f"https://{ECR}/v2/_catalog?last={{}}&n=100")


def acr(asked: Asked) -> Reply:
    if asked.path == "/oauth2/token":
        assert "registry%3Acatalog%3A%2A" in asked.body.decode() + asked.target
        return json_reply({"access_token": "for-the-catalog"})
    if asked.authorization != "Bearer for-the-catalog":
        header = f'Bearer realm="https://{ACR}/oauth2/token",service="{ACR}",scope="registry:catalog:*"'
        return json_reply({}, 401, WWW_Authenticate=header)
    return page(asked, 100, "/v2/_catalog?last={}&n=100&orderby=")


def gitea(asked: Asked) -> Reply:
    if asked.path == "/v2/token":
        return Reply(404) if asked.method == "POST" else json_reply({"token": "for-packages"})
    if asked.authorization != "Bearer for-packages":
        header = 'Bearer realm="https://git.example/v2/token",service="container_registry",scope="*"'
        return json_reply({}, 401, WWW_Authenticate=header)
    return page(asked, 100, "</v2/_catalog?last={}&n=100".strip("<"))


def zot(asked: Asked) -> Reply:
    return page(asked, 100, "/v2/_catalog?n=100&last={}")


@pytest.mark.parametrize(
    ("product", "host", "answers", "credential"),
    [
        ("ecr", ECR, ecr, AWS),
        ("acr", ACR, acr, LOGIN),
        ("gitea", "git.example", gitea, LOGIN),
        ("zot", "zot.example", zot, None),
        ("distribution", "registry.example", zot, None),
    ],
)
def test_three_pages(hosts: Hosts, product: str, host: str, answers: Handler, credential: Credential | None) -> None:
    net = hosts({host: answers})
    assert net.listed(host, product, Wanted(), credential) == NAMES
    assert len([one for one in net.asked if one.path == "/v2/_catalog"]) == 3 + (credential is not None)
    assert set(net.shown()) == {host}


@pytest.mark.parametrize("document", [{"repositories": None}, {"repositories": []}, {}])
def test_an_empty_registry(hosts: Hosts, document: object) -> None:
    net = hosts({ECR: lambda _: json_reply(document)})
    assert net.listed(ECR, "ecr") == []


def test_a_wrong_password(hosts: Hosts) -> None:
    net = hosts({ECR: ecr})
    with pytest.raises(Refused) as caught:
        net.listed(ECR, "ecr", Wanted(), Credential("AWS", "expired"))
    assert caught.value.code == "auth-failed"


def test_ecr_public_lists_only_what_was_entered(hosts: Hosts) -> None:
    net = hosts({"public.ecr.aws": zot})
    assert PRODUCTS["ecr-public"].listing is Listing.NONE
    found: list[str] = []
    wanted = Wanted(entered=("docker/library/nginx",))
    with net.source("public.ecr.aws", "ecr-public", wanted) as source, pytest.raises(Refused) as caught:
        found.extend(source.repositories())
    assert (found, caught.value.code, net.asked) == (["docker/library/nginx"], "catalog-unsupported", [])


def test_the_real_registry(real_registry: RealRegistry) -> None:
    names = [f"catalogs/app-{number}" for number in range(3)]
    stored = image()
    for name in names:
        real_registry.push(name, "1", stored)
    url = parse_registry_url(real_registry.url, plain_http=True)
    how = lists(PRODUCTS["distribution"], Wanted(entered=("catalogs/entered", names[2])))
    with RegistrySource(url, LOCAL, lists=how) as source:
        found = [name for name in source.repositories() if name.startswith("catalogs/")]
    assert found == ["catalogs/entered", names[2], names[0], names[1]]
