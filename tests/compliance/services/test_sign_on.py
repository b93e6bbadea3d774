"""Who is let in by single sign-on, and what their groups give them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.db import connections, transaction

from compliance.models import AuditEvent, GroupGrant, Membership, Team, TeamRoleChoice, User
from compliance.policy.sign_on import Identity, SignOnRefused
from compliance.services.change_members import set_member
from compliance.services.save_person import change_person, deactivate_person, keep_an_administrator
from compliance.services.sign_on import account_of, connect, disconnect, sign_on
from tests.support.remediation import join, team
from tests.support.rows import NOW, user
from tests.support.sign_on import ISSUER, identity
from tests.support.waiting import until_somebody_waits

pytestmark = pytest.mark.django_db


def give(group: str, role: str, of: Team | None = None) -> GroupGrant:
    return GroupGrant.objects.create(group=group, team=of, role=role)


def refusal(*args: str, **more: str) -> str:
    with pytest.raises(SignOnRefused) as refused:
        sign_on(identity(*args, **more), now=NOW)
    return refused.value.code


def held(person: User) -> dict[str, tuple[str, str]]:
    rows = Membership.objects.filter(user=person)
    return {row.team.slug: (row.role, row.group) for row in rows.select_related("team")}


def values(person: User, **more: str) -> dict[str, str]:
    names = ("username", "first_name", "last_name", "email", "role")
    return {**{name: getattr(person, name) for name in names}, **more}


def test_whoever_has_no_group_here_gets_nothing() -> None:
    give("staff", "lead", team())
    before = AuditEvent.objects.count()
    assert refusal("subject-1", "others", "Staff") == "unmapped"
    assert not User.objects.exists()
    assert not SocialAccount.objects.exists()
    assert AuditEvent.objects.count() == before


def test_the_first_time_makes_an_account_and_the_second_does_not() -> None:
    give("staff", "lead", team())
    person = sign_on(identity("subject-1", "staff", email="ann@example.org", first_name="Ann"), now=NOW)
    assert (person.username, person.email, person.first_name, person.role) == (
        "ann",
        "ann@example.org",
        "Ann",
        "member",
    )
    assert not person.has_usable_password()
    assert held(person) == {"payments": ("lead", "staff")}
    again = sign_on(identity("subject-1", "staff", "more", username="other", email="x@example.org"), now=NOW)
    assert again.pk == person.pk
    assert (again.username, again.email) == ("ann", "ann@example.org"), "what they are called is no business of the map"
    assert SocialAccount.objects.get().extra_data == {"groups": ["more", "staff"]}
    assert not SocialToken.objects.exists()
    lines = AuditEvent.objects.filter(kind__in=["user", "membership"]).values_list("kind", "action")
    assert sorted(lines) == [("membership", "added"), ("user", "added"), ("user", "identity_added")]


def test_nobodys_name_or_mail_address_is_taken_over() -> None:
    give("staff", "auditor")
    local = user("Ann")
    local.email = "ANN@example.org"
    local.save()
    first = sign_on(identity("subject-1", "staff", email="ann@example.org"), now=NOW)
    second = sign_on(identity("subject-2", "staff"), now=NOW)
    assert [first.username, second.username] == ["ann-2", "ann-3"]
    assert first.email == "", "it is somebody's here"
    assert len({local.pk, first.pk, second.pk}) == 3
    nameless = sign_on(identity("subject-3", "staff", username=""), now=NOW)
    long = sign_on(identity("subject-4", "staff", username="a" * 150), now=NOW)
    assert (nameless.username, len(long.username)) == ("person", 140)


def test_another_issuer_is_somebody_else() -> None:
    give("staff", "auditor")
    first = sign_on(identity("subject-1", "staff"), now=NOW)
    SocialAccount.objects.update(provider="https://old.example")
    assert sign_on(identity("subject-1", "staff"), now=NOW).pk != first.pk


def test_whoever_was_deactivated_stays_out() -> None:
    give("staff", "auditor")
    boss, person = user("boss", staff=True), sign_on(identity("subject-1", "staff"), now=NOW)
    deactivate_person(person, by=boss, now=NOW)
    assert refusal("subject-1", "staff") == "inactive"


def test_memberships_follow_the_groups_and_what_a_person_gave_stays() -> None:
    ours, theirs, third = team("Ours"), team("Theirs"), team("Third")
    give("staff", "triager", ours)
    give("leads", "lead", ours)
    give("leads", "viewer", theirs)
    person = sign_on(identity("subject-1", "staff"), now=NOW)
    join(third, person, "lead")
    assert held(person) == {"ours": ("triager", "staff"), "third": ("lead", "")}
    sign_on(identity("subject-1", "staff", "leads"), now=NOW)
    assert held(person) == {"ours": ("lead", "leads"), "theirs": ("viewer", "leads"), "third": ("lead", "")}
    set_member(theirs, person, TeamRoleChoice.TRIAGER)
    sign_on(identity("subject-1"), now=NOW)
    assert held(person) == {"theirs": ("triager", ""), "third": ("lead", "")}
    trail = AuditEvent.objects.filter(kind="membership").order_by("pk").values_list("action", "data__group")
    assert list(trail)[-1] == ("removed", "leads")


def test_a_team_that_goes_while_somebody_comes_gives_nothing() -> None:
    ours = team()
    give("staff", "lead", ours)
    give("staff", "auditor")

    def goes(found: Identity) -> SocialAccount | None:
        ours.delete()
        return account_of(found)

    with patch("compliance.services.sign_on.account_of", goes):
        person = sign_on(identity("subject-1", "staff"), now=NOW)
    assert (held(person), person.role) == ({}, "auditor")


def test_when_somebody_came_last() -> None:
    give("staff", "auditor")
    sign_on(identity("subject-1", "staff"), now=NOW)
    long_ago = NOW - timedelta(days=400)
    SocialAccount.objects.update(last_login=long_ago, date_joined=long_ago)
    sign_on(identity("subject-1", "staff"), now=NOW)
    row = SocialAccount.objects.get()
    assert row.last_login > row.date_joined == long_ago


def test_a_role_follows_the_groups_unless_a_person_gave_it() -> None:
    give("security", "security")
    boss, person = user("boss", staff=True), sign_on(identity("subject-1", "security"), now=NOW)
    assert (person.role, person.role_group) == ("security", "security")
    assert sign_on(identity("subject-1"), now=NOW).role == "member", "they may come, and see nothing"
    sign_on(identity("subject-1", "security"), now=NOW)
    change_person(person := User.objects.get(pk=person.pk), values(person), by=boss, now=NOW)
    assert User.objects.get(pk=person.pk).role_group == "security", "saving something else changes nothing"
    change_person(person, values(person, role="auditor"), by=boss, now=NOW)
    assert sign_on(identity("subject-1", "security"), now=NOW).role == "auditor"
    assert sign_on(identity("subject-1"), now=NOW).role == "auditor"


def test_the_last_administrator_stays_one() -> None:
    give("boss", "admin")
    person = sign_on(identity("subject-1", "boss"), now=NOW)
    assert sign_on(identity("subject-1"), now=NOW).role == "admin"
    line = AuditEvent.objects.get(action="role_kept")
    assert (line.name, line.data) == ("ann", {"given": "member"})
    other = sign_on(identity("subject-2", "boss"), now=NOW)
    assert sign_on(identity("subject-1"), now=NOW).role == "member", "there is another one now"
    assert sign_on(identity("subject-2"), now=NOW).role == "admin"
    assert {other.pk, person.pk} == set(User.objects.values_list("pk", flat=True))


def test_connecting_an_account_and_taking_it_back() -> None:
    give("staff", "lead", team())
    local, other = user("local", role="member"), user("other")
    connect(local, identity("subject-1"), now=NOW)
    connect(local, identity("subject-1"), now=NOW)
    with pytest.raises(SignOnRefused) as refused:
        connect(other, identity("subject-1"), now=NOW)
    assert refused.value.code == "taken"
    assert sign_on(identity("subject-1", "staff"), now=NOW).pk == local.pk
    assert held(local) == {"payments": ("lead", "staff")}
    assert disconnect(local, now=NOW)
    assert not disconnect(local, now=NOW)
    assert sign_on(identity("subject-1", "staff"), now=NOW).pk not in (local.pk, other.pk)
    kinds = (
        AuditEvent.objects.filter(action__startswith="identity").order_by("pk").values_list("action", "data__issuer")
    )
    assert list(kinds) == [("identity_added", ISSUER), ("identity_removed", None), ("identity_added", ISSUER)]


def test_whoever_connects_another_account_comes_by_the_first_no_more() -> None:
    give("staff", "auditor")
    local = user("local")
    for subject in ("subject-1", "subject-2", "subject-2"):
        connect(local, identity(subject), now=NOW)
    assert sign_on(identity("subject-2", "staff"), now=NOW).pk == local.pk
    assert sign_on(identity("subject-1", "staff"), now=NOW).pk != local.pk
    lines = AuditEvent.objects.filter(action__startswith="identity", object=local.pk).order_by("pk")
    assert list(lines.values_list("action", "actor")) == [
        ("identity_added", local.pk),
        ("identity_removed", local.pk),
        ("identity_added", local.pk),
    ]


def test_whoever_has_no_password_cannot_disconnect() -> None:
    give("staff", "auditor")
    person = sign_on(identity("subject-1", "staff"), now=NOW)
    assert not disconnect(person, now=NOW)
    assert SocialAccount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_whoever_is_deactivated_while_they_log_in_stays_out_and_neither_waits_for_the_other_for_ever() -> None:
    give("staff", "auditor")
    person, boss = sign_on(identity("subject-1", "staff"), now=NOW), user("boss", staff=True)
    assert person.pk < boss.pk

    def come() -> str:
        try:
            return refusal("subject-1", "staff")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as another:
        with transaction.atomic():
            keep_an_administrator(person)
            coming = another.submit(come)
            until_somebody_waits()
            deactivate_person(person, by=boss, now=NOW)
        assert coming.result(60) == "inactive"


@pytest.mark.django_db(transaction=True)
def test_two_first_logins_at_one_moment_are_one_account() -> None:
    give("staff", "lead", team())

    def come(_number: int) -> int:
        try:
            return sign_on(identity("subject-1", "staff"), now=NOW).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as several:
        assert len(set(several.map(come, range(8)))) == 1
    assert (User.objects.count(), SocialAccount.objects.count(), Membership.objects.count()) == (1, 1, 1)
