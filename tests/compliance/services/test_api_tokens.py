"""Making, finding and ending tokens; what is stored of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import IntegrityError, connection, transaction

from compliance.models import ApiToken, AuditAction, AuditEvent, ScopeChoice, User
from compliance.services.api_tokens import (
    LONGEST_DAYS,
    MOST_TOKENS,
    CannotMake,
    Refused,
    Wanted,
    find_token,
    make_token,
    note_use,
    revoke_tokens,
    stamp_of,
)
from compliance.services.seal_audit import seal_audit
from compliance.services.verify_audit import verify_audit
from tests.support.api_tokens import token
from tests.support.rows import NOW, user

pytestmark = pytest.mark.django_db


def test_only_a_digest_is_stored_and_no_two_secrets_are_alike() -> None:
    person = user()
    made = [token(person, name=f"number {at}") for at in range(10)]
    assert len({each.secret for each in made}) == 10
    for each in made:
        assert each.secret[:12] == f"{each.token.prefix}_"
        assert len(each.secret) == 55
        assert each.token.digest == sha256(each.secret.encode()).hexdigest()
        assert each.secret not in repr(each)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM compliance_apitoken t")
        stored = str(cursor.fetchone())
        cursor.execute("SELECT string_agg(t::text, ' ') FROM compliance_apitokenhistory t")
        history = str(cursor.fetchone())
        cursor.execute("SELECT string_agg(t::text, ' ') FROM compliance_auditevent t")
        trail = str(cursor.fetchone())
    assert [each for each in made if each.secret[12:] in stored + history + trail] == []
    assert [each for each in made if each.token.digest in history + trail] == []


def test_each_ends_and_none_later_than_the_database_allows() -> None:
    person = user()
    wanted = Wanted("report", [ScopeChoice.SUMMARY], 10_000, stamp_of(person))
    assert make_token(person, wanted, now=NOW).token.expires_at == NOW + timedelta(days=LONGEST_DAYS)
    for span in (timedelta(0), timedelta(days=367)):
        with pytest.raises(IntegrityError, match="api_token_ends"), transaction.atomic():
            ApiToken.objects.create(
                user=person, name="x", scopes=[], prefix="x", digest=str(span), created_at=NOW, expires_at=NOW + span
            )


def test_the_same_form_makes_one_token() -> None:
    person = user()
    wanted = Wanted("report", [ScopeChoice.SUMMARY], 30, stamp_of(person))
    make_token(person, wanted, now=NOW)
    with pytest.raises(CannotMake, match="done already"):
        make_token(person, wanted, now=NOW)
    assert ApiToken.objects.count() == 1


def test_there_are_only_so_many_that_have_not_ended() -> None:
    person = user()
    first, *_ = [token(person) for _ in range(MOST_TOKENS)]
    with pytest.raises(CannotMake, match="revoke one"):
        token(person)
    token(user("other"))
    revoke_tokens(person, now=NOW, only=first.token.pk)
    token(person)


def test_who_was_deactivated_meanwhile_makes_none() -> None:
    person = user()
    User.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(CannotMake, match="may not log in"):
        token(person)
    assert not ApiToken.objects.exists()


def test_what_is_found_and_why_not() -> None:
    person = user()
    made = token(person, days=1)
    found = find_token(made.secret, now=NOW)
    assert isinstance(found, ApiToken)
    assert found == made.token
    end = made.token.expires_at
    assert find_token(made.secret, now=end - timedelta(seconds=1)) == made.token
    assert find_token(made.secret, now=end) is Refused.EXPIRED
    for other in ("", made.secret[:-1], made.secret.swapcase(), made.token.digest, made.token.prefix):
        assert find_token(other, now=NOW) is Refused.UNKNOWN
    revoke_tokens(person, now=NOW, only=made.token.pk)
    assert find_token(made.secret, now=NOW) is Refused.REVOKED


def test_revoking_ends_ones_own_and_says_how_many() -> None:
    sam, kim = user(), user("kim")
    made, second, theirs = token(sam), token(sam), token(kim)
    assert revoke_tokens(sam, now=NOW, only=theirs.token.pk) == 0
    assert revoke_tokens(sam, now=NOW, only=made.token.pk) == 1
    assert revoke_tokens(sam, now=NOW, only=made.token.pk) == 0
    assert revoke_tokens(sam, now=NOW) == 1
    assert {row.pk for row in ApiToken.objects.active(NOW)} == {theirs.token.pk}
    assert ApiToken.objects.get(pk=second.token.pk).revoked_at == NOW


def test_making_and_ending_are_in_the_trail_and_using_is_not() -> None:
    person = user()
    made = token(person, "read:waivers", name="report")
    note_use(made.token, "203.0.113.7", now=NOW)
    revoke_tokens(person, now=NOW)
    lines = AuditEvent.objects.filter(kind="apitoken", object=str(made.token.pk)).order_by("pk")
    assert [line.action for line in lines] == [AuditAction.ADDED, AuditAction.SECRET_SHOWN, AuditAction.CHANGED]
    added, _, changed = lines
    assert (added.name, added.data["scopes"], added.data["revoked_at"]) == ("report", ["read:waivers"], None)
    assert changed.data["revoked_at"] is not None
    seal_audit(NOW)
    assert not verify_audit().problems


def test_two_who_come_at_one_moment_write_once() -> None:
    made = token(user())
    early = ApiToken.objects.get(pk=made.token.pk)
    late = ApiToken.objects.get(pk=made.token.pk)
    note_use(early, "203.0.113.1", now=NOW)
    note_use(late, "203.0.113.2", now=NOW)
    assert ApiToken.objects.get(pk=made.token.pk).last_used_ip == "203.0.113.1"


def test_days_are_counted_from_when_it_was_made() -> None:
    person = user()
    wanted = Wanted("report", [ScopeChoice.FINDINGS, ScopeChoice.SUMMARY], 7, stamp_of(person))
    made = make_token(person, replace(wanted, days=1), now=NOW).token
    assert made.expires_at == NOW + timedelta(days=1)
    assert made.scopes == ["read:summary", "read:findings"]
