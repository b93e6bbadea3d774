"""Asking registries again about the tags that show findings: which, how many, and what is said of it."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Finding, Registry, Repository, RepositoryScan, Scan, State, Tag, User
from compliance.policy.wake_up import Work
from compliance.queries.bulk_changes import find_done, rescanned
from compliance.remediation.change import InvalidChange, Rescan
from compliance.services.change_findings import change_findings, rescans_of, undo
from tests.support.changes import change, events
from tests.support.remediation import finding
from tests.support.rows import NOW


def parts() -> list[tuple[int, list[str] | None]]:
    asked = RepositoryScan.objects.filter(scan__requested_at=NOW, scan__partial=True).order_by("pk")
    return list(asked.values_list("repository", "only_tags"))


def words(user: User, bulk_id: int) -> str:
    done = find_done({"changed": str(bulk_id)}, user, [])
    assert done is not None
    return done.words


def test_the_tags_are_asked_about_once(people: tuple[User, User]) -> None:
    sam = people[0]
    before = list(Finding.objects.order_by("pk").values())
    homes = sorted(Repository.objects.filter(findings__isnull=False).values_list("pk", flat=True))
    bulk = change(Rescan(), sam, expected=2)
    scan = Scan.objects.get(requested_at=NOW)
    assert (bulk.action, bulk.count) == ("rescan", 2)
    assert (scan.partial, scan.trigger, scan.requested_by, scan.state) == (True, "page", sam, "running")
    asked = RepositoryScan.objects.filter(scan=scan).order_by("repository")
    assert [(part.repository_id, part.only_tags) for part in asked] == [(pk, ["latest"]) for pk in homes]
    assert [each.work for each in rescans_of(bulk)] == [Work.REPOSITORY_SCAN] * 2
    assert events("rescan") == [("", "", "")] * 2
    assert list(Finding.objects.order_by("pk").values()) == before
    assert words(sam, bulk.pk) == "2 tags are scanned again, for 2 findings."

    again = change(Rescan(), sam)  # they still wait
    assert again.count == 0
    assert len(events("rescan")) == 2
    assert Scan.objects.filter(requested_at=NOW).count() == 1
    assert words(sam, again.pk).startswith("No registry is asked")


def test_what_is_being_scanned_now_is_asked_about_again(people: tuple[User, User]) -> None:
    change(Rescan(), people[0])
    RepositoryScan.objects.update(state=State.RUNNING)
    Scan.objects.update(requested_by=None)
    assert change(Rescan(), people[0]).count == 2


@pytest.mark.parametrize(
    "columns", [{"only_tags": None}, {"only_tags": ["latest", "other"]}], ids=["a whole repository", "the tag"]
)
def test_what_waits_for_any_scan_is_left_out(people: tuple[User, User], columns: dict[str, object]) -> None:
    first, second = Finding.objects.order_by("pk")
    home = Repository.objects.get(pk=first.repository_id)
    scan = Scan.objects.create(registry_id=home.registry_id, requested_at=NOW)
    RepositoryScan.objects.create(scan=scan, repository=home, state=State.QUEUED, **columns)
    assert change(Rescan(), people[0]).count == 1
    assert parts() == [(second.repository_id, ["latest"])]


@pytest.mark.parametrize(
    "columns", [{"cursor": "m"}, {"heavy": True, "only_tags": ["latest"]}], ids=["put off", "heavy"]
)
def test_what_waits_and_asks_nothing_of_the_tag_is_no_reason(
    people: tuple[User, User], columns: dict[str, object]
) -> None:
    home = Finding.objects.order_by("pk")[0].repository
    scan = Scan.objects.create(registry_id=home.registry_id, requested_at=NOW)
    RepositoryScan.objects.create(scan=scan, repository=home, state=State.QUEUED, **columns)
    assert change(Rescan(), people[0]).count == 2


def test_one_finding_s_own_tags_alone(people: tuple[User, User]) -> None:
    sam = people[0]
    home = Repository.objects.exclude(findings__isnull=False).first() or Repository.objects.earliest("pk")
    template = Tag.objects.filter(repository=home).earliest("pk")
    Finding.objects.all().delete()
    finding(home, "NR104", tags=[template])
    bulk = change(Rescan(), sam)
    assert parts() == [(home.pk, [template.name])]
    row, other = Finding.objects.get(), finding(home, "NR305", tags=[template])
    assert rescanned(bulk.pk, row.pk, sam) == "1 tag is scanned again, for this finding."
    assert rescanned(bulk.pk, row.pk, people[1]) == ""
    assert rescanned(bulk.pk, other.pk, sam) == ""


def test_nothing_to_ask(people: tuple[User, User]) -> None:
    Registry.objects.update(enabled=False)
    assert change(Rescan(), people[0]).count == 0
    Registry.objects.update(enabled=True)
    Tag.objects.update(deleted_at=NOW)
    assert change(Rescan(), people[0]).count == 0
    assert not events()
    assert not parts()


def test_more_tags_than_one_click_asks_about(people: tuple[User, User]) -> None:
    with (
        patch("compliance.services.change_findings.MOST_TAGS", 1),
        pytest.raises(InvalidChange, match="more than 1 tags"),
    ):
        change(Rescan(), people[0])
    assert not parts()
    with patch("compliance.services.change_findings.MOST_TAGS", 2):
        assert change(Rescan(), people[0]).count == 2


def test_what_was_asked_is_not_taken_back(people: tuple[User, User]) -> None:
    bulk = change(Rescan(), people[0])
    with pytest.raises(InvalidChange, match="asked already"):
        undo(bulk.pk, by=people[0], now=NOW)


def test_the_number_of_queries_does_not_grow(
    people: tuple[User, User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sam = people[0]
    assert sam.actor
    for home in Repository.objects.all():
        for subject in range(20):
            finding(home, "NR104", subject=str(subject), tags=Tag.objects.filter(repository=home))
    few = Finding.objects.filter(subject="1", repository=Repository.objects.earliest("pk"))
    for rows in (few, Finding.objects.all()):
        with django_assert_num_queries(18):
            change_findings(rows, Rescan(), by=sam, now=NOW)
        Scan.objects.filter(requested_at=NOW).delete()
