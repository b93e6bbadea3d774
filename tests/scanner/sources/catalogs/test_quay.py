"""Quay: organizations by its interface with an OAuth token, its catalog for robots, pages by an opaque cursor."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY

HOST = "quay.example"
OAUTH = Credential("", CANARY)
ROBOT = Credential("acme+scanner", "robots-password")
CURSORS = {None: ("api", "a+b/c=="), "a+b/c==": ("web", "last&one"), "last&one": ("db", None)}


def quay(asked: Asked) -> Reply | None:
    if asked.path == "/api/v1/repository":
        if asked.query["namespace"] != "acme":
            return json_reply({"repositories": []})
        name, following = CURSORS[asked.query.get("next_page")]
        names = [name, "hidden"] if asked.authorization == f"Bearer {CANARY}" else [name]
        found = [{"namespace": "acme", "name": one, "is_public": True, "kind": "image"} for one in names]
        return json_reply({"repositories": found, **({"next_page": following} if following else {})})
    if asked.path == "/v2/_catalog":
        if asked.authorization is None:
            return json_reply({}, 401, WWW_Authenticate=f'Bearer realm="https://{HOST}/v2/auth",service="{HOST}"')
        return json_reply({"repositories": ["acme/api"]})
    if asked.path == "/v2/auth":
        return json_reply({"token": "for-the-catalog"})
    return None


def test_public_repositories_need_no_token(hosts: Hosts) -> None:
    net = hosts({HOST: quay})
    assert net.listed(HOST, "quay", Wanted(namespaces=("acme", "nobody")), ROBOT) == ["acme/api", "acme/web", "acme/db"]
    assert (net.shown(), net.heard("robots-password")) == ({HOST: {None}}, set())


def test_private_ones_with_an_oauth_token(hosts: Hosts) -> None:
    net = hosts({HOST: quay})
    found = net.listed(HOST, "quay", Wanted(namespaces=("acme",), api_token=OAUTH), ROBOT)
    assert found == ["acme/api", "acme/hidden", "acme/web", "acme/db"]
    assert net.shown() == {HOST: {f"Bearer {CANARY}"}}


def test_a_robot_without_organizations_sees_the_catalog(hosts: Hosts) -> None:
    net = hosts({HOST: quay})
    assert net.listed(HOST, "quay", Wanted(), ROBOT) == ["acme/api"]


def test_nobody_named_and_nobody_logged_in(hosts: Hosts) -> None:
    net = hosts({HOST: quay})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "quay")
    assert (caught.value.code, net.asked) == ("namespaces-missing", [])


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"repositories": {}},
        {"repositories": ["acme/api"]},
        {"repositories": [{"name": "api"}]},
        {"repositories": [{"namespace": "acme", "name": 1}]},
        {"repositories": [], "next_page": 2},
    ],
)
def test_answers_of_another_form(hosts: Hosts, document: object) -> None:
    net = hosts({HOST: lambda _: json_reply(document)})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "quay", Wanted(namespaces=("acme",)))
    assert caught.value.code == "protocol-error"


def test_a_cursor_that_leads_back(hosts: Hosts) -> None:
    same = {"repositories": [{"namespace": "acme", "name": "api"}], "next_page": "again"}
    net = hosts({HOST: lambda _: json_reply(same)})
    found: list[str] = []
    with net.source(HOST, "quay", Wanted(namespaces=("acme",))) as source, pytest.raises(Refused) as caught:
        found.extend(source.repositories())
    assert (caught.value.code, found, len(net.asked)) == ("pagination-loop", ["acme/api"], 2)
