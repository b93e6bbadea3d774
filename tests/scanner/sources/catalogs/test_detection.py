"""Which product a host name, or an answer to ``GET /v2/``, tells; and that every product is complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.sources.catalogs import PRODUCT_KEYS, PRODUCTS, Listing, ask_product, detect, detect_by_answer
from scanner.sources.registry.challenge import parse_challenges
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import json_reply
from tests.support.sources import LOGIN


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("docker.io", "dockerhub"),
        ("registry-1.docker.io", "dockerhub"),
        ("hub.docker.com:443", "dockerhub"),
        ("ghcr.io", "ghcr"),
        ("GHCR.io", "ghcr"),
        ("registry.gitlab.com", "gitlab"),
        ("quay.io", "quay"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "ecr"),
        ("public.ecr.aws", "ecr-public"),
        ("europe-west1-docker.pkg.dev", "gar"),
        ("us-docker.pkg.dev", "gar"),
        ("gcr.io", "gar"),
        ("eu.gcr.io", "gar"),
        ("shop.azurecr.io", "acr"),
        ("shop.azurecr.cn", "acr"),
        ("shop.jfrog.io", "artifactory"),
        ("codeberg.org", "gitea"),
        ("registry.digitalocean.com", "digitalocean"),
        ("registry.example:5000", "distribution"),
        ("localhost:5000", "distribution"),
        ("[::1]:5000", "distribution"),
        ("", "distribution"),
        ("ghcr.io.evil.example", "distribution"),
        ("evil-gcr.io", "distribution"),
        ("12345.dkr.ecr.eu-west-1.amazonaws.com", "distribution"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", "distribution"),
        ("shop.azurecr.io.evil.example", "distribution"),
        ("npm.pkg.dev", "distribution"),
    ],
)
def test_by_host(host: str, key: str) -> None:
    assert detect(host) == key


@pytest.mark.parametrize(
    ("headers", "challenge", "key"),
    [
        ({}, 'Bearer realm="https://images.example/service/token",service="harbor-registry"', "harbor"),
        ({}, 'Bearer realm="https://git.example/jwt/auth",service="container_registry"', "gitlab"),
        ({}, 'Bearer realm="https://git.example/v2/token",service="container_registry",scope="*"', "gitea"),
        ({}, 'Bearer realm="https://images.example/v2/auth",service="images.example"', "quay"),
        ({}, 'Bearer realm="https://images.example:8443/v2/auth",service="images.example:8443"', "quay"),
        ({}, 'Bearer realm="https://shop.azurecr.io/oauth2/token",service="shop.azurecr.io"', "acr"),
        ({}, 'Bearer realm="https://a.example/artifactory/api/docker/hub/v2/token",service="a.example"', "artifactory"),
        ({}, 'Basic realm="Artifactory Realm"', "artifactory"),
        ({"X-JFrog-Version": "Artifactory/7.90.7 79007900"}, "", "artifactory"),
        ({"X-Artifactory-Id": "abc"}, 'Bearer realm="https://a.example/v2/token",service="a"', "artifactory"),
        ({"Server": "Nexus/3.71.0-06 (OSS)"}, "", "nexus"),
        ({}, 'BASIC realm="Sonatype Nexus Repository Manager"', "nexus"),
        ({"access-control-allow-headers": "Authorization,content-type,X-ZOT-API-CLIENT"}, "", "zot"),
        ({"Docker-Distribution-Api-Version": "registry/2.0"}, 'Basic realm="Registry Realm"', "distribution"),
        ({}, 'Bearer realm="https://auth.example/token",service="registry.example"', "distribution"),
        ({}, 'Bearer realm="https://[broken/jwt/auth"', "distribution"),
        ({}, "Bearer", "distribution"),
        ({}, 'Negotiate, Bearer realm="https://git.example/jwt/auth"', "gitlab"),
    ],
)
def test_by_answer(headers: dict[str, str], challenge: str, key: str) -> None:
    assert detect_by_answer("images.example", headers, parse_challenges([challenge])) == key


def test_a_host_name_says_more_than_an_answer() -> None:
    challenges = parse_challenges(['Bearer realm="https://evil.example/jwt/auth"'])
    assert detect_by_answer("ghcr.io", {"Server": "Nexus/3"}, challenges) == "ghcr"


@given(st.text(), st.dictionaries(st.text(), st.text()), st.text())
def test_whatever_is_answered_some_product_is_told(host: str, headers: dict[str, str], challenge: str) -> None:
    assert detect_by_answer(host, headers, parse_challenges([challenge])) in PRODUCTS


def test_every_product_is_there_in_the_order_of_the_form() -> None:
    assert tuple(PRODUCTS) == PRODUCT_KEYS
    assert all(key == product.key for key, product in PRODUCTS.items())


@pytest.mark.parametrize("key", PRODUCT_KEYS)
def test_every_product_says_what_it_needs(key: str) -> None:
    product = PRODUCTS[key]
    assert product.title
    assert not product.title.endswith(".")
    assert product.namespaces_label or not product.namespaces_required
    assert product.note.endswith(".") or key in ("oci-layout", "docker-archive")
    assert product.listing is not Listing.NONE or "enter" in product.note


@pytest.mark.parametrize(
    ("status", "headers", "key"),
    [
        (401, {"WWW-Authenticate": 'Bearer realm="https://images.example/jwt/auth"'}, "gitlab"),
        (200, {"Server": "Nexus/3.96.0-01 (COMMUNITY)"}, "nexus"),
        (
            401,
            {"WWW-Authenticate": 'Bearer realm="https://images.example/v2/token"', "X-JFrog-Version": "7"},
            "artifactory",
        ),
        (404, {}, "distribution"),
    ],
)
def test_asking_once_without_a_credential(hosts: Hosts, status: int, headers: dict[str, str], key: str) -> None:
    net = hosts({"images.example": lambda _: json_reply({}, status, headers)})
    with net.source("images.example", "distribution", None, LOGIN) as source:
        assert ask_product(source) == key
    assert [(one.path, one.authorization) for one in net.asked] == [("/v2/", None)]


def test_a_host_that_tells_is_not_asked(hosts: Hosts) -> None:
    net = hosts({"quay.io": lambda _: json_reply({})})
    with net.source("quay.io", "distribution") as source:
        assert ask_product(source) == "quay"
    assert net.asked == []
