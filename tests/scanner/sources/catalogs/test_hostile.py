"""Whatever an interface answers: a named problem, few requests, the names found before kept, no secret elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import Refused, SourceProblem, Unavailable
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Internet, Reply, json_reply
from tests.support.sources import CANARY, LOGIN

HOST, AWAY = "harbor.example", "elsewhere.example"
LINK = '</api/v2.0/repositories?page={}&page_size=100>; rel="next"'
FEW = replace(DEFAULT_LIMITS, pages=20, repositories=15, retries=1)


def outcome(source: RegistrySource) -> tuple[list[RepositoryName], SourceProblem | None]:
    found: list[RepositoryName] = []
    try:
        found.extend(source.repositories())
    except SourceProblem as problem:
        return found, problem
    return found, None


def listing(net: Internet) -> tuple[list[RepositoryName], SourceProblem | None]:
    with net.source(HOST, "harbor", Wanted(), LOGIN, limits=FEW) as source:
        return outcome(source)


def html(_: Asked) -> Reply:
    return Reply(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (html(Asked("", "", "", None)), "protocol-error"),
        (Reply(200, b""), "protocol-error"),
        (Reply(200, b"[" * 100_000), "protocol-error"),
        (Reply(200, b"[" + b"9" * 100_000 + b"]"), "protocol-error"),
        (json_reply({"repositories": []}), "protocol-error"),
        (json_reply([{"id": 1}]), "protocol-error"),
        (json_reply([{"name": None}]), "protocol-error"),
        (json_reply([1]), "protocol-error"),
        (json_reply([{"name": "a/b"}], Link=f"<https://{AWAY}/>; rel=next"), "pagination-forbidden"),
        (json_reply([{"name": "a/b"}], Link=f'<http://{HOST}/>; rel="next"'), "pagination-forbidden"),
        (Reply(302, b"", {"Location": f"https://{AWAY}/api"}), "redirect-forbidden"),
        (Reply(307, b"", {"Location": "http://169.254.169.254/"}), "redirect-forbidden"),
        (json_reply({"errors": []}, 401), "auth-failed"),
        (json_reply({"errors": []}, 403), "denied"),
        (json_reply({"errors": []}, 404), "namespace-unknown"),
        (json_reply({"errors": []}, 418), "protocol-error"),
    ],
)
def test_odd_answers(hosts: Hosts, reply: Reply, code: str) -> None:
    net = hosts({HOST: lambda _: reply, AWAY: lambda _: json_reply([])})
    _, problem = listing(net)
    assert problem is not None
    assert (problem.code, problem.remedy != "", isinstance(problem, Refused)) == (code, True, True)
    assert (len(net.asked) <= 2, net.heard(CANARY)) == (True, {HOST})


@pytest.mark.parametrize(("status", "code"), [(429, "rate-limited"), (503, "server-error"), (502, "server-error")])
def test_passing_faults_are_asked_again_and_keep_what_was_found(hosts: Hosts, status: int, code: str) -> None:
    def answers(asked: Asked) -> Reply:
        if asked.query["page"] == "1":
            return json_reply([{"name": "shop/app"}], Link=LINK.format(2))
        return Reply(status)

    net = hosts({HOST: answers})
    found, problem = listing(net)
    assert isinstance(problem, Unavailable)
    assert (found, problem.code, len(net.asked)) == (["shop/app"], code, 3)


def test_a_secret_the_server_repeats_is_not_told(hosts: Hosts) -> None:
    said = {"errors": [{"code": "DENIED", "message": f"no {CANARY} {LOGIN.basic()}"}]}
    net = hosts({HOST: lambda _: json_reply(said, 403)})
    _, problem = listing(net)
    assert problem is not None
    assert (problem.code, CANARY in problem.message, LOGIN.basic()[6:] in problem.message) == ("denied", False, False)


def endless(numbers: Iterator[int], names: list[str]) -> Reply:
    page = next(numbers)
    return json_reply([{"name": name.format(page)} for name in names], Link=LINK.format(page + 2))


@pytest.mark.parametrize(
    ("names", "code", "most"),
    [(["shop/app-{}"], "too-large", 16), (["shop/app"], "pagination-loop", 12), ([], "pagination-loop", 12)],
)
def test_listings_without_an_end(hosts: Hosts, names: list[str], code: str, most: int) -> None:
    numbers = count()
    net = hosts({HOST: lambda _: endless(numbers, names)})
    found, problem = listing(net)
    assert problem is not None
    assert (problem.code, len(found) <= FEW.repositories, len(net.asked) <= most) == (code, True, True)


def test_endless_pages_end_at_their_limit(hosts: Hosts) -> None:
    numbers = count()
    net = hosts({HOST: lambda _: endless(numbers, ["shop/app-{}"])})
    limits = replace(FEW, repositories=10_000)
    with net.source(HOST, "harbor", limits=limits) as source:
        found, problem = outcome(source)
    assert problem is not None
    assert (problem.code, len(found), len(net.asked)) == ("pagination-loop", 20, 20)
    assert "PLIMSOLL_PAGES" in problem.remedy


def test_a_page_that_leads_back(hosts: Hosts) -> None:
    def answers(asked: Asked) -> Reply:
        page = int(asked.query["page"])
        return json_reply([{"name": f"shop/app-{page}"}], Link=LINK.format(3 - page if page > 1 else 2))

    net = hosts({HOST: answers})
    found, problem = listing(net)
    assert problem is not None
    assert (problem.code, len(found), len(net.asked) <= 4) == ("pagination-loop", 2, True)


def test_an_answer_too_large(hosts: Hosts) -> None:
    net = hosts({HOST: lambda _: Reply(200, b" " * 20_000)})
    with net.source(HOST, "harbor", limits=replace(FEW, listing_bytes=10_000)) as source:
        _, problem = outcome(source)
    assert problem is not None
    assert (problem.code, "PLIMSOLL_LISTING_BYTES" in problem.remedy) == ("too-large", True)


def test_several_namespaces_share_one_limit(hosts: Hosts) -> None:
    def answers(asked: Asked) -> Reply:
        project = asked.path.split("/")[4]
        return json_reply([{"name": f"{project}/app-{number}"} for number in range(10)])

    net = hosts({HOST: answers})
    with net.source(HOST, "harbor", Wanted(namespaces=("one", "two", "three")), limits=FEW) as source:
        found, problem = outcome(source)
    assert problem is not None
    assert (problem.code, len(found), len(net.asked)) == ("too-large", 15, 2)


@pytest.mark.parametrize("name", ["Shop/App", "shop//app", "shop/app\n", "../app", "", "a" * 300])
def test_names_nothing_can_be_asked_about(hosts: Hosts, name: str) -> None:
    net = hosts({HOST: lambda _: json_reply([{"name": name}, {"name": "shop/app"}])})
    with net.source(HOST, "harbor", limits=FEW) as source:
        assert outcome(source) == (["shop/app"], None)
        assert source.unusable_names == [name[:200]]


def test_an_interface_on_a_private_address(hosts: Hosts) -> None:
    net = hosts({"ghcr.io": lambda _: None, "api.github.com": lambda _: json_reply([])})
    with net.source("ghcr.io", "ghcr", Wanted(namespaces=("acme",)), LOGIN, public_only=True) as source:
        _, problem = outcome(source)
    assert problem is not None
    assert (problem.code, net.asked) == ("forbidden-address", [])


@pytest.mark.parametrize(
    ("host", "product", "interface"),
    [
        ("registry-1.docker.io", "dockerhub", "hub.docker.com"),
        ("ghcr.io", "ghcr", "api.github.com"),
        ("registry.gitlab.com", "gitlab", "gitlab.com"),
        ("registry.digitalocean.com", "digitalocean", "api.digitalocean.com"),
        ("us-docker.pkg.dev", "gar", "artifactregistry.googleapis.com"),
    ],
)
def test_a_refresh_token_is_shown_to_no_interface(hosts: Hosts, host: str, product: str, interface: str) -> None:
    challenge = json_reply({}, 401, WWW_Authenticate='Bearer realm="https://gitlab.com/jwt/auth"')
    net = hosts({host: lambda _: challenge, interface: lambda _: json_reply({}, 401)})
    wanted = Wanted(namespaces=("acme/images",))
    with net.source(host, product, wanted, Credential("<token>", CANARY), limits=FEW) as source:
        _, problem = outcome(source)
    assert isinstance(problem, Refused)
    assert not any(CANARY in str(one) for one in net.asked if one.host == interface)
