"""The form of a registry: nothing is reset by looking, secrets stay or are asked for again."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from compliance.forms.registry import RegistryForm
from compliance.forms.registry_sections import FIELDS, parts_of
from compliance.models import Registry
from compliance.policy.scan_scope import ScanScope
from compliance.policy.schedule import Schedule
from compliance.services.save_registry import save_registry
from tests.support.forms import browser_sends
from tests.support.rows import NOW, policy_version, registry

pytestmark = pytest.mark.django_db

LEAST = {"name": "Quay", "url": "quay.io", "policy": "kubernetes", "auth_method": "anonymous", "connections": "16"}
FULL: dict[str, object] = {
    "product": "harbor",
    "namespaces": ["shop", "library"],
    "entered_repositories": ["shop/hidden"],
    "auth_method": "ecr",
    "username": "AKIA",
    "password": "p",
    "api_token": "t",
    "proxy": "http://proxy.example:3128",
    "token_hosts": ["auth.example"],
    "verify_tls": False,
    "allow_private": True,
    "protected_tags": ["v*", "prod"],
    "include_repositories": ["shop/*"],
    "exclude_repositories": ["*/cache"],
    "include_tags": ["v*"],
    "exclude_tags": ["*-rc?"],
    "newest_tags": 50,
    "pushed_within_days": 90,
    "platforms": ["linux/amd64", "linux/arm64"],
    "enabled": False,
    "cron": "30 6 * * 1-5",
    "interval_minutes": 0,
    "time_zone": "Europe/Berlin",
    "quiet_from": time(22, 0),
    "quiet_until": time(6, 30),
    "connections": 3,
    "requests_per_minute": 600,
}


def filled(**entered: Any) -> RegistryForm:
    """The form of a new registry as somebody sends it."""
    policy_version()
    return RegistryForm({**LEAST, **entered}, now=NOW)


def columns(row: Registry) -> dict[str, object]:
    """Everything that is stored of a registry."""
    found = Registry.objects.values().get(pk=row.pk)
    return {name: str(value) for name, value in found.items()}


@pytest.mark.parametrize(
    "stored", [{}, FULL, {**FULL, "cron": "", "interval_minutes": 0}, {"auth_method": "bearer", "password": "t"}]
)
def test_saving_what_is_shown_changes_nothing(stored: dict[str, object]) -> None:
    row = Registry.objects.select_related("policy").get(pk=registry("Harbor", **stored).pk)
    before = columns(row)
    form = RegistryForm(browser_sends(RegistryForm(registry=row, now=NOW)), registry=row, now=NOW)
    assert form.is_valid(), form.errors
    save_registry(form.values(), now=NOW, registry=row)
    assert columns(row) == before


def test_every_field_has_its_place() -> None:
    laid_out = [name for fields in FIELDS.values() for name in fields]
    assert sorted(laid_out) == sorted(filled().fields)


def test_what_is_entered_becomes_values() -> None:
    form = filled(include_tags="v*, v*\nprod", newest_tags="5", platforms="linux/*", when="cron", cron="0 3 * * *")
    assert form.is_valid(), form.errors
    values = form.values()
    assert values.scope == ScanScope(include_tags=("v*", "prod"), newest_tags=5, platforms=("linux/*",))
    assert values.schedule == Schedule(cron="0 3 * * *")
    assert (values.product, values.auth_method, values.username) == ("quay", "password", "")


@pytest.mark.parametrize(
    ("url", "product"),
    [
        ("docker.io", "dockerhub"),
        ("ghcr.io", "ghcr"),
        ("registry.example", "distribution"),
        ("docker-daemon:", "docker-engine"),
        ("oci:/srv/images", "oci-layout"),
        ("docker-archive:/srv/a.tar", "docker-archive"),
    ],
)
def test_the_address_tells_the_product(url: str, product: str) -> None:
    form = filled(url=url, namespaces="ours")
    assert form.is_valid(), form.errors
    assert form.values().product == product


@pytest.mark.parametrize("url", ["docker.io", "https://hub.docker.com/", "index.docker.io"])
def test_docker_hub_is_asked_where_its_registry_answers(url: str) -> None:
    form = filled(url=url, namespaces="ours")
    assert form.is_valid(), form.errors
    assert form.values().url == "https://registry-1.docker.io"


@pytest.mark.parametrize(
    ("field", "entered", "words"),
    [
        ("url", {"url": "oci:images"}, "/path"),
        ("url", {"url": "docker-daemon:tcp://x"}, "docker-daemon:"),
        ("url", {"url": "oci:/x", "product": "docker-archive"}, "docker-archive:"),
        ("username", {"auth_method": "password"}, "user name"),
        ("password", {"auth_method": "bearer"}, "token"),
        ("include_repositories", {"include_repositories": "UPPER"}, "small letters"),
        ("exclude_tags", {"exclude_tags": "a/b"}, "a tag has"),
        ("platforms", {"platforms": "linux"}, "os/architecture"),
        ("newest_tags", {"newest_tags": "0"}, "1"),
        ("protected_tags", {"protected_tags": "[x]"}, "a tag has"),
        ("entered_repositories", {"entered_repositories": "Shop/App"}, "repository"),
        ("token_hosts", {"token_hosts": "a/b"}, "host"),
        ("extra_ca", {"extra_ca": "x"}, "PEM"),
        ("client_certificate", {"client_key": "k"}, "certificate"),
        ("client_key", {"client_certificate": "-----BEGIN CERTIFICATE-----"}, "key"),
        ("proxy", {"proxy": "socks5://x"}, "SOCKS"),
        ("cron", {"when": "cron"}, "when scans begin"),
        ("cron", {"when": "cron", "cron": "0 0 30 2 *"}, "no cron expression"),
        ("time_zone", {"time_zone": "Mars/Base"}, "no such time zone"),
        ("quiet_until", {"quiet_from": "22:00"}, "end"),
        ("interval_minutes", {"interval_minutes": "-1"}, "0"),
        ("connections", {"connections": "0"}, "1"),
        ("auth_method", {"auth_method": "magic"}, "valid"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_opens_its_part(field: str, entered: dict[str, str], words: str) -> None:
    form = filled(**entered)
    assert not form.is_valid()
    assert words in " ".join(map(str, form.errors[field]))
    wrong = [name for name, part in parts_of(form).items() if part.wrong and part.open]
    assert any(field in FIELDS[name] for name in wrong)


def edited(row: Registry, **entered: str) -> RegistryForm:
    """A saved registry's form, sent with some changes."""
    return RegistryForm({**browser_sends(RegistryForm(registry=row, now=NOW)), **entered}, registry=row, now=NOW)


def secretive() -> Registry:
    """A registry with a user name and secrets."""
    made = registry("Harbor", auth_method="password", username="u", password="p", api_token="t", proxy="http://p:1")
    return Registry.objects.select_related("policy").get(pk=made.pk)


def test_secrets_are_never_shown() -> None:
    html = RegistryForm(registry=secretive(), now=NOW).as_p()
    assert "http://p:1" not in html
    assert 'name="password_remove"' in html


def test_a_secret_is_removed_only_when_asked_for() -> None:
    form = edited(secretive(), api_token_remove="on", password="new")
    assert form.is_valid(), form.errors
    values = form.values()
    assert (values.password, values.api_token, values.proxy) == ("new", "", None)


@pytest.mark.parametrize("moved", [{"url": "https://evil.example"}, {"username": "other"}, {"product": "quay"}])
def test_what_is_stored_is_not_sent_elsewhere_nor_forgotten_silently(moved: dict[str, str]) -> None:
    form = edited(secretive(), **moved)
    assert not form.is_valid()
    assert set(form.errors) == {"password", "api_token", "proxy"}
    again = edited(secretive_again(), **moved, password="p", api_token_remove="on", proxy_remove="on")
    assert again.is_valid(), again.errors


def secretive_again() -> Registry:
    """The one that was made before."""
    return Registry.objects.select_related("policy").get()


def test_everybody_may_read_forgets_the_password() -> None:
    form = edited(secretive(), auth_method="anonymous", api_token_remove="on", proxy_remove="on")
    assert form.is_valid(), form.errors
    assert (form.values().username, form.values().password) == ("", "")


def test_a_key_that_is_stored_is_enough_for_its_certificate() -> None:
    made = registry("Harbor", client_certificate="-----BEGIN CERTIFICATE-----", client_key="k")
    form = edited(Registry.objects.select_related("policy").get(pk=made.pk))
    assert "client_key" not in form.errors
