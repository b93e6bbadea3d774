"""Google: packages by the interface with an access token, folders of the registry without one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import Refused
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY

HOST, API, GCR = "europe-west1-docker.pkg.dev", "artifactregistry.googleapis.com", "eu.gcr.io"
ACCESS = Credential("oauth2accesstoken", CANARY)
KEY_FILE = Credential("_json_key", '{"private_key": "-----BEGIN"}')
FOLDER = "/v1/projects/acme/locations/europe-west1/repositories"
PACKAGES = {"": ["app", "nested%2Fweb"], "two": ["db"]}
TREE: dict[str, dict[str, Any]] = {
    "acme/images": {"child": ["app", "nested"]},
    "acme/images/app": {"tags": ["1"], "manifest": {"sha256:0": {}}},
    "acme/images/nested": {"child": ["web"], "manifest": {}},
    "acme/images/nested/web": {"child": None, "manifest": {"sha256:1": {"tag": []}}},
}


def google(asked: Asked) -> Reply | None:
    if asked.authorization != f"Bearer {CANARY}":
        return json_reply({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
    cursor = asked.query.get("pageToken", "")
    if asked.path == FOLDER:
        names = {"": [("images", "DOCKER"), ("jars", "MAVEN")], "more": [("empty", "DOCKER")]}[cursor]
        found = [{"name": f"{FOLDER[4:]}/{name}", "format": kind} for name, kind in names]
        return json_reply({"repositories": found, **({} if cursor else {"nextPageToken": "more"})})
    if asked.path == f"{FOLDER}/images/packages":
        found = [{"name": f"{FOLDER[4:]}/images/packages/{name}"} for name in PACKAGES[cursor]]
        return json_reply({"packages": found, "nextPageToken": "" if cursor else "two"})
    return json_reply({}) if asked.path == f"{FOLDER}/empty/packages" else None


def registry(asked: Asked) -> Reply | None:
    if asked.path == "/v2/_catalog":
        return json_reply({"repositories": ["acme/old"]})
    name = asked.path.removeprefix("/v2/").removesuffix("/tags/list")
    return json_reply({"name": name, "tags": [], **TREE[name]}) if name in TREE else None


def test_all_docker_repositories_of_a_project(hosts: Hosts) -> None:
    net = hosts({HOST: registry, API: google})
    found = net.listed(HOST, "gar", Wanted(namespaces=("acme",)), ACCESS)
    assert found == ["acme/images/app", "acme/images/nested/web", "acme/images/db"]
    assert net.shown() == {API: {f"Bearer {CANARY}"}}


def test_one_repository(hosts: Hosts) -> None:
    net = hosts({HOST: registry, API: google})
    found = net.listed(HOST, "gar", Wanted(namespaces=("acme/images",), api_token=Credential("", CANARY)))
    assert found == ["acme/images/app", "acme/images/nested/web", "acme/images/db"]
    assert len(net.asked) == 2


@pytest.mark.parametrize("credential", [None, KEY_FILE])
def test_without_a_token_the_registrys_folders(hosts: Hosts, credential: Credential | None) -> None:
    net = hosts({HOST: registry, API: google})
    found = net.listed(HOST, "gar", Wanted(namespaces=("acme/images",)), credential)
    assert found == ["acme/images/app", "acme/images/nested/web"]
    assert set(net.shown()) == {HOST}


def test_gcr_has_a_catalog_and_folders(hosts: Hosts) -> None:
    net = hosts({GCR: registry, API: google})
    assert net.listed(GCR, "gar") == ["acme/old"]
    assert net.listed(GCR, "gar", Wanted(namespaces=("acme/images",)), ACCESS)[-1] == "acme/images/nested/web"
    assert API not in net.shown()


def test_an_access_token_for_another_host_is_not_googles(hosts: Hosts) -> None:
    net = hosts({"mirror.example": registry, API: google})
    net.listed("mirror.example", "gar", Wanted(namespaces=("acme/images",)), ACCESS)
    assert net.heard(CANARY) == set()


@pytest.mark.parametrize(("names", "said"), [((), "the projects"), (("acme",), "project/repository")])
def test_nothing_that_can_be_listed(hosts: Hosts, names: tuple[str, ...], said: str) -> None:
    net = hosts({HOST: registry, API: google})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "gar", Wanted(namespaces=names), KEY_FILE)
    assert (caught.value.code, net.asked) == ("namespaces-missing", [])
    assert said in caught.value.remedy


def test_folders_that_lead_in_circles_or_nowhere_end(hosts: Hosts) -> None:
    net = hosts({HOST: lambda _: json_reply({"child": ["a", "../x", "B", ""], "manifest": {"sha256:0": {}}})})
    with net.source(HOST, "gar", Wanted(namespaces=("acme/images",))) as source:
        found = list(source.repositories())
        assert source.unusable_names
    assert found[0] == "acme/images"
    assert len(found[-1]) <= 255
    assert len(net.asked) <= 128


def test_endless_folders_without_an_image_end(hosts: Hosts) -> None:
    net = hosts({HOST: lambda asked: json_reply({"child": [str(number) for number in range(9)]})})
    limits = replace(DEFAULT_LIMITS, pages=30)
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "gar", Wanted(namespaces=("acme/images",)), limits=limits)
    assert (caught.value.code, len(net.asked)) == ("pagination-loop", 31)


def test_a_wrong_token(hosts: Hosts) -> None:
    net = hosts({HOST: registry, API: google})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "gar", Wanted(namespaces=("acme",)), Credential("oauth2accesstoken", "old"))
    assert caught.value.code == "auth-failed"
    assert "Artifact Registry Reader" in caught.value.remedy
