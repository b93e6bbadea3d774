"""Turning a second factor on and off, its recovery codes, and what of it is stored how."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from compliance.models import AuditAction, AuditEvent, User
from compliance.queries.security import factors_of
from compliance.services.accept_code import accept_code
from compliance.services.change_factors import AlreadyOn, make_codes, reset_factors, turn_off, turn_on
from compliance.services.rotate_credentials import rotate_credentials
from tests.support.factors import SECRET, protect, shown
from tests.support.rows import NOW, PASSWORD, user

pytestmark = pytest.mark.django_db


def done(person: User) -> list[str]:
    """What the trail says was done with somebody's factors."""
    rows = AuditEvent.objects.filter(kind="user", object=str(person.pk)).exclude(action=AuditAction.ADDED)
    return list(rows.order_by("pk").values_list("action", flat=True))


def stored() -> str:
    """All that the tables hold that could tell a secret."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM mfa_authenticator t")
        parts = [str(cursor.fetchone())]
        cursor.execute("SELECT string_agg(t::text, ' ') FROM compliance_auditevent t")
        parts.append(str(cursor.fetchone()))
    for session in Session.objects.all():
        parts.append(str(session.get_decoded()))
        with suppress(ValueError):
            parts.append(b64decode(session.session_data.split(":")[0] + "==").decode("latin-1"))
    return " ".join(parts)


def is_in(client: Client) -> bool:
    """Whether somebody is logged in: others are sent to the login."""
    return bool(client.get("/settings/security/codes/").headers["Location"].startswith("/settings/"))


def test_turning_on_and_off() -> None:
    sam = user("sam")
    assert factors_of(sam).since is None
    codes = protect(sam)
    assert (factors_of(sam).since, factors_of(sam).codes_left) == (NOW, 10)
    with pytest.raises(AlreadyOn):
        protect(sam)
    assert accept_code(sam, codes[0], now=NOW)
    assert factors_of(sam).codes_left == 9
    assert turn_off(sam, now=NOW)
    assert not turn_off(sam, now=NOW)
    assert factors_of(sam).since is None
    assert not Authenticator.objects.exists()
    assert done(sam) == ["factor_added", "codes_made", "factor_removed"]


def test_new_recovery_codes_end_the_old_ones() -> None:
    sam = user("sam")
    assert make_codes(sam, now=NOW) == []
    old = protect(sam)
    new = make_codes(sam, now=NOW)
    assert not set(old) & set(new)
    assert accept_code(sam, old[0], now=NOW) is None
    assert accept_code(sam, new[0], now=NOW)
    assert done(sam) == ["factor_added", "codes_made", "codes_made"]


def test_the_code_that_turned_it_on_lets_nobody_in() -> None:
    sam = user("sam")
    turn_on(sam, SECRET, int(NOW.timestamp()) // 30, now=NOW, session="")
    assert accept_code(sam, shown(NOW), now=NOW) is None


def test_neither_secret_nor_codes_are_stored_in_clear() -> None:
    sam = user("sam")
    codes = protect(sam)
    found = stored()
    assert SECRET not in found
    assert not [code for code in codes if code in found]


def test_rotating_the_keys(settings: Settings) -> None:
    sam = user("sam")
    codes = protect(sam)
    fresh = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [fresh, *settings.CREDENTIAL_KEYS]
    assert rotate_credentials() == 2
    settings.CREDENTIAL_KEYS = [fresh]
    assert accept_code(sam, shown(NOW), now=NOW)
    assert accept_code(sam, codes[3], now=NOW)


def test_a_reset_ends_the_persons_sessions_and_names_who_did_it() -> None:
    boss, sam, eve = user("boss", staff=True), user("sam"), user("eve")
    client, other = Client(), Client()
    for each, name in ((client, "sam"), (other, "eve")):
        each.post("/login/", {"username": name, "password": PASSWORD})
    turn_on(sam, SECRET, 0, now=NOW, session=client.session.session_key or "")
    assert is_in(client)
    assert reset_factors(sam, by=boss, now=NOW)
    assert (is_in(client), is_in(other)) == (False, True)
    assert (factors_of(sam).since, factors_of(eve).since) == (None, None)
    [event] = AuditEvent.objects.filter(action=AuditAction.FACTOR_RESET)
    assert (event.actor, event.name) == (boss.pk, "sam")
    assert not reset_factors(sam, by=boss, now=NOW)


def test_the_command_resets_the_last_administrators() -> None:
    boss = user("boss", staff=True)
    protect(boss)
    call_command("reset_second_factor", "boss")
    assert factors_of(boss).since is None
    [event] = AuditEvent.objects.filter(action=AuditAction.FACTOR_RESET)
    assert (event.actor, event.context) == (None, {"command": "reset_second_factor"})
    for name in ("boss", "nobody"):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", name)
