"""Asking for a scan of one repository: what is made, what is joined, and what is said where nothing is asked."""

from __future__ import annotations

import pytest

from compliance.models import Registry, Repository, RepositoryScan, Scan, State, Tag, User
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.rescan_repository import Answer, MayNotScan, Rescan, rescan_repository, rescan_tag
from compliance.services.scan_repository import scan_repository
from tests.compliance.services.conftest import World
from tests.compliance.services.test_reconcile_findings import ROOT
from tests.support.remediation import join, own, team
from tests.support.rows import NOW, fleet, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Repository:
    return fleet(1).repositories[0]


@pytest.fixture
def sam() -> User:
    return user("sam")


def under_way(home: Repository, **columns: object) -> Scan:
    """A scan with a part for this repository that has not ended."""
    scan = Scan.objects.create(
        registry=home.registry, trigger="schedule", requested_at=NOW, listed_at=NOW, state="running"
    )
    RepositoryScan.objects.create(scan=scan, repository=home, **columns)
    return scan


def test_a_partial_scan_of_all_its_tags_is_made(home: Repository, sam: User) -> None:
    made = rescan_repository(home.pk, by=sam, now=NOW)
    part = RepositoryScan.objects.get(scan=made.scan_id)
    assert made == Rescan(Answer.MADE, part.scan_id, (WakeUp(Work.REPOSITORY_SCAN, part.pk),))
    assert (part.repository, part.only_tags, part.state, part.heavy) == (home, None, State.QUEUED, False)
    assert (part.scan.partial, part.scan.trigger, part.scan.requested_by) == (True, "page", sam)
    assert (part.scan.repositories_total, part.scan.listed_at, part.scan.registry) == (1, NOW, home.registry)


def test_who_presses_twice_gets_the_same(home: Repository, sam: User) -> None:
    made = rescan_repository(home.pk, by=sam, now=NOW)
    assert rescan_repository(home.pk, by=user("kim"), now=NOW) == Rescan(Answer.WAITING, made.scan_id)
    RepositoryScan.objects.update(state=State.DONE)
    assert rescan_repository(home.pk, by=sam, now=NOW).answer is Answer.MADE


@pytest.mark.parametrize(
    ("columns", "answer"),
    [
        ({"state": State.QUEUED}, Answer.WAITING),
        ({"state": State.RUNNING}, Answer.RUNNING),
        ({"state": State.QUEUED, "cursor": "m"}, Answer.RUNNING),
        ({"state": State.QUEUED, "only_tags": ["latest"]}, Answer.MADE),
        ({"state": State.RUNNING, "heavy": True, "only_tags": ["latest"]}, Answer.MADE),
        ({"state": State.DONE}, Answer.MADE),
        ({"state": State.CANCELLED}, Answer.MADE),
    ],
)
def test_what_is_under_way(home: Repository, sam: User, columns: dict[str, object], answer: Answer) -> None:
    scan = under_way(home, **columns)
    found = rescan_repository(home.pk, by=sam, now=NOW)
    assert found.answer is answer
    assert (found.scan_id == scan.pk) == (answer is not Answer.MADE)
    assert bool(found.wake_ups) == (answer is Answer.MADE)


def test_a_scan_that_has_not_listed_yet_is_going_to_meet_it(home: Repository, sam: User) -> None:
    scan = Scan.objects.create(registry=home.registry, trigger="schedule", requested_at=NOW)
    assert rescan_repository(home.pk, by=sam, now=NOW) == Rescan(Answer.WAITING, scan.pk)
    Scan.objects.filter(pk=scan.pk).update(listed_at=NOW)  # and had it no part, it is over for this repository
    assert rescan_repository(home.pk, by=sam, now=NOW).answer is Answer.MADE


def test_what_is_switched_off_or_gone_is_not_asked(home: Repository, sam: User) -> None:
    before = Scan.objects.count()
    type(home.registry).objects.update(enabled=False)
    assert rescan_repository(home.pk, by=sam, now=NOW) == Rescan(Answer.OFF)
    Repository.objects.update(deleted_at=NOW)
    assert rescan_repository(home.pk, by=sam, now=NOW) == Rescan(Answer.GONE)
    assert Scan.objects.count() == before


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("triager", True), ("lead", True), (None, False)])
def test_who_works_on_its_findings_may(home: Repository, role: str | None, may: bool) -> None:
    person, web = user("person", role="member"), team("Web")
    own(web, [home])
    if role:
        join(web, person, role)
    if may:
        assert rescan_repository(home.pk, by=person, now=NOW).answer is Answer.MADE
    else:
        with pytest.raises(MayNotScan):
            rescan_repository(home.pk, by=person, now=NOW)


def test_an_auditor_only_looks(home: Repository) -> None:
    with pytest.raises(MayNotScan):
        rescan_repository(home.pk, by=user("auditor", role="auditor"), now=NOW)


def test_a_push_that_no_webhook_told_of_is_found(world: World) -> None:
    world.layout.tag("team/app", "1", ROOT)
    world.layout.tag("team/other", "1", ROOT)
    world.scan()
    world.layout.tag("team/app", "2", ROOT)
    world.layout.tag("team/other", "2", ROOT)
    home = Repository.objects.get(name="team/app")
    world.later(minutes=5)
    made = rescan_repository(home.pk, by=user("sec"), now=world.now)
    assert made.scan_id is not None
    part = RepositoryScan.objects.get(scan=made.scan_id)
    scan_repository(part.pk, clock=lambda: world.now)
    assert sorted(home.tags.values_list("name", flat=True)) == ["1", "2"]
    assert Repository.objects.get(name="team/other").tags.count() == 1
    assert Scan.objects.get(pk=made.scan_id).state == State.DONE


def test_a_partial_scan_of_one_tag_is_made(home: Repository, sam: User) -> None:
    made = rescan_tag(home.pk, "latest", by=sam, now=NOW)
    part = RepositoryScan.objects.get(scan=made.scan_id)
    assert made == Rescan(Answer.MADE, part.scan_id, (WakeUp(Work.REPOSITORY_SCAN, part.pk),))
    assert (part.repository, part.only_tags, part.state, part.heavy) == (home, ["latest"], State.QUEUED, False)
    assert rescan_tag(home.pk, "latest", by=sam, now=NOW) == Rescan(Answer.WAITING)
    assert rescan_tag(home.pk, "1.0", by=sam, now=NOW).answer is Answer.MADE


@pytest.mark.parametrize(
    ("columns", "answer"),
    [
        ({"state": State.QUEUED}, Answer.WAITING),
        ({"state": State.RUNNING}, Answer.MADE),
        ({"state": State.QUEUED, "cursor": "a"}, Answer.MADE),
        ({"state": State.QUEUED, "only_tags": ["1.0", "latest"]}, Answer.WAITING),
        ({"state": State.QUEUED, "only_tags": ["1.0"]}, Answer.MADE),
        ({"state": State.QUEUED, "only_tags": ["latest"], "heavy": True}, Answer.MADE),
    ],
)
def test_a_tag_is_asked_about_once(home: Repository, sam: User, columns: dict[str, object], answer: Answer) -> None:
    under_way(home, **columns)
    assert rescan_tag(home.pk, "latest", by=sam, now=NOW).answer is answer


def test_a_tag_that_is_not_there_is_not_asked_about(home: Repository, sam: User) -> None:
    before = Scan.objects.count()
    assert rescan_tag(home.pk, "none", by=sam, now=NOW) == Rescan(Answer.GONE)
    Tag.objects.update(deleted_at=NOW)
    assert rescan_tag(home.pk, "latest", by=sam, now=NOW) == Rescan(Answer.GONE)
    Registry.objects.update(enabled=False)
    assert rescan_tag(home.pk, "latest", by=sam, now=NOW) == Rescan(Answer.OFF)
    with pytest.raises(MayNotScan):
        rescan_tag(home.pk, "latest", by=user("vic", role="auditor"), now=NOW)
    assert Scan.objects.count() == before
