"""A registry's row decides how it is listed, and where its two credentials go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from compliance.models import Registry
from compliance.policy.registry_values import RegistryValues
from compliance.services.check_registry import check_registry
from compliance.services.open_source import open_source
from compliance.services.publish_policies import publish_policies
from compliance.services.save_registry import save_registry
from scanner.sources.registry.steps import StepState
from tests.support.products import Asked, Handler, Reply, internet, json_reply
from tests.support.products.internet import AUTHORITY

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PULLS, LISTS = "for-pulls-5d1c", "for-lists-77ab"


def github(asked: Asked) -> Reply | None:
    if asked.path == "/orgs/acme/packages" and asked.authorization == f"Bearer {LISTS}":
        return json_reply([{"name": "api"}, {"name": "web"}])
    return None


def registry(asked: Asked) -> Reply | None:
    return json_reply({}) if asked.path == "/v2/" else None


HOSTS: dict[str, Handler] = {"ghcr.io": registry, "api.github.com": github, "public.ecr.aws": registry}


def values(url: str, product: str) -> RegistryValues:
    authority = AUTHORITY.cert_pem.bytes().decode()
    return RegistryValues(
        name=product, url=url, product=product, policy="kubernetes", extra_ca=authority, allow_private=True
    )


def acme() -> RegistryValues:
    both = replace(values("https://ghcr.io", "ghcr"), username="octo", password=PULLS, api_token=LISTS)
    return replace(both, namespaces=("acme",))


@pytest.fixture(autouse=True)
def policies(db: None, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_REGISTRIES = True
    publish_policies(NOON)


def test_the_token_for_the_listing_goes_to_the_interface_only(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = replace(acme(), entered_repositories=("acme/hidden",))
    row = save_registry(entered, now=NOON)
    assert LISTS not in Registry.objects.values_list("api_token", flat=True).get(pk=row.pk)
    with internet(monkeypatch, HOSTS) as net, open_source(Registry.objects.get(pk=row.pk)) as source:
        assert list(source.repositories()) == ["acme/hidden", "acme/api", "acme/web"]
    assert (net.heard(LISTS), net.heard(PULLS)) == ({"api.github.com"}, set())


def test_the_ladder_lists_by_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    with internet(monkeypatch, HOSTS):
        steps = {step.name: step for step in check_registry(acme())}
    assert (steps["catalog"].state, steps["catalog"].detail) == (StepState.OK, "2 repositories")


@pytest.mark.parametrize(
    ("names", "said"),
    [(("docker/library/nginx",), "repositories; 1 are entered"), ((), "does not list its repositories")],
)
def test_the_ladder_says_what_was_entered(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], said: str) -> None:
    entered = replace(values("https://public.ecr.aws", "ecr-public"), entered_repositories=names)
    with internet(monkeypatch, HOSTS):
        steps = {step.name: step for step in check_registry(entered)}
    assert steps["catalog"].state is StepState.WARNING
    assert steps["catalog"].detail.endswith(said)


def test_no_product_module_knows_how_to_reach_a_network_itself() -> None:
    folder = Path(__file__).parents[3] / "scanner/sources/catalogs"
    banned = ("import socket", "import ssl", "httpx2", "httpcore2", "urllib.request", "Transport(")
    assert not [path.name for path in folder.glob("*.py") if any(word in path.read_text() for word in banned)]
