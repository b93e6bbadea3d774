"""The demo's people: what each owns and may do, and that nobody has a password anybody could know."""

from __future__ import annotations

import pytest

from compliance.access import TeamRole
from compliance.models import Membership, OwnershipRule, Team, User
from tests.support.demo.company import PEOPLE, TEAMS, hand_out_keys, open_company
from tests.support.demo.story import DAYS
from tests.support.demo.work import DEEDS_BY_DAY
from tests.support.rows import NOW, registry

pytestmark = pytest.mark.django_db


def test_everybody_is_hired_once() -> None:
    row = registry("Demo")
    for _ in range(2):
        open_company(row, now=NOW)

    assert set(Team.objects.values_list("name", flat=True)) == set(TEAMS)
    leads = Membership.objects.filter(role=TeamRole.LEAD).values_list("team__name", flat=True)
    assert sorted(leads) == sorted(TEAMS)
    assert OwnershipRule.objects.count() == 7
    assert not any(person.has_usable_password() for person in User.objects.all())


def test_a_password_is_random_told_once_and_only_to_those_who_are_tried_out() -> None:
    open_company(registry("Demo"), now=NOW)

    _, *lines = hand_out_keys()

    told = {name: password for name, password, *_ in (line.split() for line in lines)}
    assert set(told) == {person.name for person in PEOPLE if person.tried}
    assert len(set(told.values())) == len(told)
    assert User.objects.get(username="nora").check_password(told["nora"])
    assert not User.objects.get(username="hana").has_usable_password()
    assert list(hand_out_keys()) == []


def test_the_work_is_that_of_people_who_are_there_on_days_of_the_story() -> None:
    assert set(DEEDS_BY_DAY) <= set(range(1, DAYS + 1))
    assert {by for deeds in DEEDS_BY_DAY.values() for by, _ in deeds} <= {person.name for person in PEOPLE}
