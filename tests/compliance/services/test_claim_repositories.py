"""Claims of repositories that nobody owns: two at once, and back again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pghistory
import pytest
from django.db import connections
from django.db.models import F

from compliance.models import AuditEvent, Finding, Repository, Team, User
from compliance.remediation.waiver import WaiverScope
from compliance.services.claim_repositories import (
    UNDO_WITHIN,
    Claimed,
    GivenBack,
    OthersCount,
    TooLate,
    claim_repositories,
    give_repositories,
    undo_claim,
)
from compliance.services.ownership_rules import add_rule
from compliance.services.save_team import delete_team
from compliance.services.write_waiver import write_waiver
from tests.support.remediation import draft, finding, team
from tests.support.rows import NOW, Fleet, fleet, user

UNOWNED = Repository.objects.filter(team=None)


def owners() -> list[tuple[str | None, bool]]:
    return list(Repository.objects.order_by("name").values_list("team__slug", "team_pinned"))


@pytest.fixture
def made(db: None) -> Fleet:
    return fleet(3)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_claim_the_same_at_once_one_gets_all_and_the_other_hears_it() -> None:
    fleet(20)
    claims = [(team(name), user(name.lower())) for name in ("Web", "Shop")]
    together = Barrier(2)

    def claim(what: tuple[Team, User]) -> Claimed | OthersCount:
        together.wait(30)
        try:
            return claim_repositories(UNOWNED.all(), what[0], by=what[1], now=NOW, expected=20)
        except OthersCount as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(claim, claims))
    (won,) = (at for at, answer in enumerate(answers) if isinstance(answer, Claimed))
    lost = answers[1 - won]
    assert isinstance(lost, OthersCount)
    assert lost.actual == 0
    assert set(Repository.objects.values_list("team", "team_pinned")) == {(claims[won][0].pk, True)}


def test_an_undo_gives_back_exactly_what_was(made: Fleet) -> None:
    sam, web, other = user("sam"), team("Web"), team("Other")
    Repository.objects.filter(pk=made.repositories[0].pk).update(team_pinned=True)  # nobody's, as somebody said
    claimed = claim_repositories(UNOWNED.all(), web, by=sam, now=NOW, expected=3)
    give_repositories(Repository.objects.filter(pk=made.repositories[2].pk), other, by=sam, now=NOW)
    assert undo_claim(claimed.token, by=sam, now=NOW) == GivenBack(2, 1)
    assert owners() == [(None, True), (None, False), ("other", True)]
    with pytest.raises(TooLate):
        undo_claim(claimed.token, by=sam, now=NOW)


def test_what_a_new_rule_names_goes_to_its_team(made: Fleet) -> None:
    sam, web = user("sam"), team("Web")
    claimed = claim_repositories(UNOWNED.all(), web, by=sam, now=NOW)
    add_rule(team("Other"), "team/app-0001", now=NOW)
    undo_claim(claimed.token, by=sam, now=NOW)
    assert owners() == [(None, False), ("other", False), (None, False)]


def test_waivers_of_a_team_follow_an_undo(made: Fleet) -> None:
    sam, web = user("sam"), team("Web")
    row = finding(made.repositories[0], tags=[made.tags[1]])
    claimed = claim_repositories(UNOWNED.all(), web, by=sam, now=NOW)
    write_waiver(draft(sam, scope=WaiverScope("NR103", team_id=web.pk)), by=sam, now=NOW)
    assert Finding.objects.get(pk=row.pk).status == "waived"
    undo_claim(claimed.token, by=sam, now=NOW)
    assert Finding.objects.get(pk=row.pk).status == "open"


def test_an_undo_is_one_person_s_for_ten_minutes(made: Fleet) -> None:
    sam = user("sam")
    claimed = claim_repositories(UNOWNED.all(), team("Web"), by=sam, now=NOW)
    for who, when in ((user("kim"), NOW), (sam, NOW + UNDO_WITHIN), (sam, NOW + timedelta(days=1))):
        with pytest.raises(TooLate):
            undo_claim(claimed.token, by=who, now=when)
    assert set(owners()) == {("web", True)}


def trail() -> list[tuple[str, str, object]]:
    """Of repositories: by whom, which, and what the line says."""
    rows = AuditEvent.objects.filter(kind="repository").order_by("pk")
    return [(row.actor_name, row.name, (row.data["before"], row.data["team"])) for row in rows]


def test_who_owns_what_is_in_the_audit_trail_whoever_said_so(made: Fleet) -> None:
    web, shop, by = team("Web"), team("Shop"), user("boss")
    one, two, three = (row.name for row in made.repositories)
    with pghistory.context(user=by.pk, who="boss"):
        claim = claim_repositories(Repository.objects.filter(name=one), web, by=by, now=NOW)
        give_repositories(Repository.objects.filter(name=one), shop, by=by, now=NOW)
        undo_claim(claim.token, by=by, now=NOW)  # somebody has given it away since
        add_rule(web, two, by=by, now=NOW)
    with pghistory.context(task="compliance.tick"):
        Repository.objects.filter(name=three).update(team=shop)  # as a program would that knows no service of ours
        Repository.objects.update(tags_total=7, team=F("team"))  # what scans write is nobody's decision
        delete_team(shop, by=by, now=NOW)
    *lines, last_but_one, last = trail()
    assert lines == [
        ("boss", one, ("nobody", "Web")),
        ("boss", one, ("Web", "Shop")),
        ("boss", two, ("nobody", "Web")),
        ("", three, ("nobody", "Shop")),
        ("", one, ("Shop", "Shop")),  # the rules say again, for a moment
    ]
    assert {last_but_one, last} == {("", one, ("Shop", "nobody")), ("", three, ("Shop", "nobody"))}
    pinned = (
        AuditEvent.objects.filter(kind="repository").order_by("pk").values_list("data__whatever_rules_say", flat=True)
    )
    assert list(pinned) == [True, True, *[False] * 5]
