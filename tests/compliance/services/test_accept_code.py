"""Which codes are taken when, and that each is taken once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.test import override_settings

from compliance.models.encryption import CredentialKeyMissing
from compliance.services.accept_code import accept_code, counter_of
from tests.support.factors import SECRET, protect, shown
from tests.support.rows import NOW, user

RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The secret of RFC 6238's own table: twenty digits, in base 32."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"),
        (1_234_567_890, "005924"), (2_000_000_000, "279037"), (20_000_000_000, "353130"),
    ],
)  # fmt: skip
def test_the_table_of_the_standard(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert counter_of(RFC, code, now=now) == seconds // 30
    assert counter_of(RFC, f"{code[:3]} {code[3:]}", now=now) == seconds // 30


@pytest.mark.parametrize(
    ("of", "asked", "taken"),
    [(0, 0, True), (0, 29, True), (0, 30, True), (0, 59, True), (0, 60, False), (0, 3600, False),
     (30, 0, True), (59, 0, True), (60, 0, False), (-1, 0, True), (-30, 0, True), (-31, 0, False)],
)  # fmt: skip
def test_a_code_is_good_for_its_half_minute_and_those_beside_it(of: int, asked: int, taken: bool) -> None:
    """Seconds after the beginning of a half minute: when the app showed it, and when it was typed."""
    begin = NOW.replace(second=0)
    code = shown(begin + timedelta(seconds=of))
    assert (counter_of(SECRET, code, now=begin + timedelta(seconds=asked)) is not None) == taken


@pytest.mark.parametrize("code", ["", " ", "-", "12345", "1234567", "١٢٣٤٥٦", "\x00", "a" * 32, "None", "-1"])
def test_what_is_no_code(code: str) -> None:
    assert counter_of(SECRET, code, now=NOW) is None


@pytest.mark.django_db
def test_no_code_of_an_app_is_taken_twice_nor_one_from_before() -> None:
    sam = user("sam")
    protect(sam)
    before, now, later = (shown(NOW + timedelta(seconds=at)) for at in (-30, 0, 30))
    assert accept_code(sam, now, now=NOW) is not None
    for moment in (0, 1, 29, 30, 59):
        assert accept_code(sam, now, now=NOW + timedelta(seconds=moment)) is None
    assert accept_code(sam, before, now=NOW) is None
    assert accept_code(sam, later, now=NOW) is not None
    assert accept_code(sam, later, now=NOW + timedelta(seconds=30)) is None


@pytest.mark.django_db
def test_each_recovery_code_is_taken_once_and_is_one_persons() -> None:
    sam, eve = user("sam"), user("eve")
    codes = protect(sam)
    protect(eve)
    assert len(set(codes)) == 10
    assert all(accept_code(eve, code, now=NOW) is None for code in codes)
    taken = [accept_code(sam, code, now=NOW) for code in codes]
    assert [each and each.type for each in taken] == ["recovery_codes"] * 10
    assert [accept_code(sam, code, now=NOW) for code in codes] == [None] * 10


@pytest.mark.django_db
def test_a_lost_key_is_said() -> None:
    sam = user("sam")
    protect(sam)
    with (
        override_settings(CREDENTIAL_KEYS=[Fernet.generate_key().decode()]),
        pytest.raises(CredentialKeyMissing),
    ):
        accept_code(sam, shown(NOW), now=NOW)
    assert Authenticator.objects.filter(user=sam).count() == 2
