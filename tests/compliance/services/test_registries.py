"""Registries and their credentials."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from compliance.models import Registry, WebhookEndpoint
from compliance.models.encryption import CredentialKeyMissing, reveal
from compliance.policy.schedule import Schedule
from compliance.services.check_registry import check_registry
from compliance.services.open_source import access_of, open_source
from compliance.services.publish_policies import publish_policies
from compliance.services.rotate_credentials import rotate_credentials
from compliance.services.save_registry import RegistryValues, save_registry
from scanner.domain.problems import Refused
from tests.compliance.services.conftest import NOON, World

SECRET = "canary-5f2b"


@pytest.fixture
def saved(db: None) -> Registry:
    publish_policies(NOON)
    return save_registry(
        RegistryValues("Team Shop", "https://shop.example", "kubernetes", username="u", password=SECRET), now=NOON
    )


def test_the_password_is_nowhere_in_clear(saved: Registry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text FROM compliance_registry r")
        stored = cursor.fetchone()[0]
    row = Registry.objects.get()
    values = RegistryValues("a", "https://b", "baseline", password=SECRET)

    for shown in (stored, repr(row.__dict__), repr(values), str(row), caplog.text, row.password):
        assert SECRET not in shown
    assert reveal(row.password) == SECRET
    with open_source(row) as source:
        assert SECRET not in repr(source.__dict__)


def test_saving_a_row_again_keeps_its_password(saved: Registry) -> None:
    row = Registry.objects.get()
    row.save()

    assert reveal(Registry.objects.get().password) == SECRET


def test_a_password_does_not_follow_to_another_host(saved: Registry) -> None:
    values = RegistryValues("Team Shop", "https://evil.example", "kubernetes", username="u")

    save_registry(values, now=NOON, registry=Registry.objects.get())

    assert Registry.objects.get().password == ""


def test_a_password_does_not_follow_through_another_proxy(saved: Registry) -> None:
    values = RegistryValues(
        "Team Shop", "https://shop.example", "kubernetes", username="u", proxy="http://evil.example:1"
    )

    save_registry(values, now=NOON, registry=Registry.objects.get())

    assert Registry.objects.get().password == ""


def test_a_registry_token_needs_no_user_name(saved: Registry) -> None:
    values = RegistryValues("Team Shop", "https://shop.example", "kubernetes", auth_method="bearer", password="t")
    save_registry(values, now=NOON, registry=Registry.objects.get())

    save_registry(replace(values, password=None), now=NOON, registry=Registry.objects.get())

    shown = access_of(Registry.objects.get()).credential
    assert shown is not None
    assert (shown.password, shown.is_registry_token) == ("t", True)


def test_an_edit_without_a_password_keeps_it(saved: Registry) -> None:
    values = RegistryValues(
        "Renamed", "https://shop.example", "baseline", username="u", schedule=Schedule(interval_minutes=5)
    )

    save_registry(values, now=NOON, registry=Registry.objects.get())

    row = Registry.objects.get()
    assert (row.name, row.slug, reveal(row.password)) == ("Renamed", "team-shop", SECRET)


def test_another_schedule_counts_from_now_on(saved: Registry) -> None:
    values = RegistryValues("Renamed", "https://shop.example", "baseline", schedule=Schedule(cron="0 15 * * *"))
    save_registry(values, now=NOON, registry=Registry.objects.get())

    following = Registry.objects.get().next_scan_at
    assert following is not None
    assert following.replace(second=0, microsecond=0) == NOON.replace(hour=15)

    save_registry(values, now=NOON + timedelta(hours=9), registry=Registry.objects.get())
    assert Registry.objects.get().next_scan_at == following


def test_slugs_do_not_collide(saved: Registry) -> None:
    second = save_registry(RegistryValues("team shop", "https://x.example", "kubernetes"), now=NOON)

    assert (saved.slug, second.slug) == ("team-shop", "team-shop-2")


def test_a_lost_key_is_named_and_the_row_can_still_be_listed(saved: Registry, settings: Settings) -> None:
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    row = Registry.objects.get()

    with pytest.raises(Refused) as caught:
        open_source(row)

    assert caught.value.code == "credential-key-missing"


def test_rotation(saved: Registry, settings: Settings) -> None:
    fresh = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [fresh, *settings.CREDENTIAL_KEYS]
    call_command("rotate_credentials")
    settings.CREDENTIAL_KEYS = [fresh]

    assert reveal(Registry.objects.get().password) == SECRET


SECRETS = {"password": "p", "api_token": "a", "client_key": "k", "proxy": "http://u:p@proxy.example:1"}


def test_every_secret_of_every_table_is_rotated(saved: Registry, settings: Settings) -> None:
    Registry.objects.update(**SECRETS)
    WebhookEndpoint.objects.create(
        registry=saved, product="x", key="k", secret="s", previous_secret="b", created_at=NOON
    )
    fresh = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [fresh, *settings.CREDENTIAL_KEYS]

    assert rotate_credentials() == 6

    settings.CREDENTIAL_KEYS = [fresh]
    row, endpoint = Registry.objects.get(), WebhookEndpoint.objects.get()
    assert {name: reveal(getattr(row, name)) for name in SECRETS} == SECRETS
    assert (reveal(endpoint.secret), reveal(endpoint.previous_secret)) == ("s", "b")


def test_one_lost_secret_keeps_all_others_as_they_are(saved: Registry, settings: Settings) -> None:
    old, settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS, [Fernet.generate_key().decode()]
    WebhookEndpoint.objects.create(registry=saved, product="x", key="k", secret="s", created_at=NOON)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *old]

    with pytest.raises(CredentialKeyMissing):
        rotate_credentials()

    settings.CREDENTIAL_KEYS = old
    assert reveal(Registry.objects.get().password) == SECRET


def test_rotation_is_all_or_nothing(saved: Registry, settings: Settings) -> None:
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CredentialKeyMissing):
        rotate_credentials()


def test_steps_of_a_check_with_unsaved_values(world: World) -> None:
    values = RegistryValues("new", world.server.url, "kubernetes", allow_private=True)

    steps = list(check_registry(values))

    assert len(steps) > 5
    assert Registry.objects.filter(name="new").count() == 0


def test_a_private_address_needs_consent(world: World) -> None:
    Registry.objects.update(allow_private=False)
    world.registry.refresh_from_db()

    assert world.scan().problem_code == "forbidden-address"


def test_the_operator_can_forbid_private_addresses_for_all(world: World, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_REGISTRIES = False

    assert world.scan().problem_code == "forbidden-address"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x", "ftp://a.example"], "https"),
        (["x", "https://u:p@a.example"], "user name"),
        (["x", "https://a.example", "--username", "u"], "--password-env"),
        (["x", "https://a.example", "--username", "u", "--password-env", "NOT_THERE"], "NOT_THERE"),
        (["x", "https://a.example", "--policy", "none"], "none"),
        (["Team Shop", "https://a.example"], "already"),
        (["x", "https://a.example", "--interval", "-1"], "minutes"),
    ],
)
def test_add_registry_says_what_is_wrong(saved: Registry, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("add_registry", *arguments)


def test_add_registry(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)

    call_command("add_registry", "shop", "https://Shop.example/", "--username", "u", "--password-env", "SHOP_PASSWORD")

    row = Registry.objects.get()
    assert (row.url, row.policy.name, reveal(row.password)) == ("https://shop.example", "kubernetes", SECRET)
