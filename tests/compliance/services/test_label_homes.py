"""Labelling the repositories of findings: which, the number that was seen, and the way back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models import BulkChange, Finding, LabelSet, Repository, User
from compliance.policy.labels import Relabel
from compliance.remediation.change import Comment, InvalidChange
from compliance.services.change_findings import UNDO_WITHIN, CountChanged, Undone, change_findings
from compliance.services.label_homes import label_homes, undo_change
from compliance.services.label_repositories import MayNotLabel, label_repositories
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, Fleet, fleet, user

pytestmark = pytest.mark.django_db

PCI, NO_PCI = Relabel(add=frozenset({"pci"})), Relabel(remove=frozenset({"pci"}))
LATER = NOW + UNDO_WITHIN - timedelta(seconds=1)


@pytest.fixture
def made() -> Fleet:
    """Three repositories: two findings in the first, one in the second, none in the third."""
    found = fleet(3)
    finding(found.repositories[0], "NR101")
    for row in found.repositories[:2]:
        finding(row)
    return found


@pytest.fixture
def sec(made: Fleet) -> User:
    return user("sec", role="security")


def labels() -> list[list[str] | None]:
    return list(Repository.objects.order_by("name").values_list("label_set__labels", flat=True))


def test_repositories_of_findings_are_labelled_and_it_is_undone(made: Fleet, sec: User) -> None:
    LabelSet.objects.create(repository=made.repositories[1], labels=["pci", "web"])
    bulk = label_homes(Finding.objects.all(), PCI, by=sec, now=NOW, expected=3)
    assert (bulk.action, bulk.count, labels()) == ("label", 1, [["pci"], ["pci", "web"], None])
    assert undo_change(bulk.pk, by=sec, now=LATER) == Undone(1, 0)
    assert labels() == [[], ["pci", "web"], None]
    with pytest.raises(InvalidChange, match="undone already"):
        undo_change(bulk.pk, by=sec, now=LATER)


def test_a_label_is_taken_away_and_given_back_where_there_is_room(made: Fleet, sec: User) -> None:
    label_homes(Finding.objects.all(), PCI, by=sec, now=NOW)
    bulk = label_homes(Finding.objects.all(), NO_PCI, by=sec, now=NOW)
    assert (bulk.action, bulk.count, labels()) == ("unlabel", 2, [[], [], None])
    full = [f"l{at:02}" for at in range(20)]
    LabelSet.objects.filter(repository=made.repositories[1]).update(labels=full)
    assert undo_change(bulk.pk, by=sec, now=LATER) == Undone(1, 1)
    assert labels() == [["pci"], full, None]


def test_what_somebody_took_away_since_is_left_alone(made: Fleet, sec: User) -> None:
    bulk = label_homes(Finding.objects.all(), PCI, by=sec, now=NOW)
    label_repositories(Repository.objects.filter(pk=made.repositories[0].pk), NO_PCI, by=sec)
    assert undo_change(bulk.pk, by=sec, now=LATER) == Undone(1, 1)
    assert labels() == [[], [], None]


def test_not_another_number_than_was_seen(made: Fleet, sec: User) -> None:
    with pytest.raises(CountChanged) as error:
        label_homes(Finding.objects.all(), PCI, by=sec, now=NOW, expected=2)
    assert error.value.actual == 3
    assert labels() == [None, None, None]
    assert not BulkChange.objects.exists()


def test_all_of_them_or_none(made: Fleet) -> None:
    tia = user("tia", role="member")
    own(team("Web", triager=tia), made.repositories[:1])
    with pytest.raises(MayNotLabel):
        label_homes(Finding.objects.all(), PCI, by=tia, now=NOW)
    assert labels() == [None, None, None]
    bulk = label_homes(Finding.objects.filter(repository=made.repositories[0]), PCI, by=tia, now=NOW)
    Repository.objects.update(team=None)
    with pytest.raises(MayNotLabel):
        undo_change(bulk.pk, by=tia, now=LATER)
    assert labels() == [["pci"], None, None]


def test_for_ten_minutes_by_who_did_it(made: Fleet, sec: User) -> None:
    bulk = label_homes(Finding.objects.all(), PCI, by=sec, now=NOW)
    with pytest.raises(BulkChange.DoesNotExist):
        undo_change(bulk.pk, by=user("other", role="security"), now=LATER)
    with pytest.raises(InvalidChange, match="ten minutes only"):
        undo_change(bulk.pk, by=sec, now=NOW + UNDO_WITHIN)
    assert labels() == [["pci"], ["pci"], None]


def test_what_was_done_to_findings_goes_the_way_of_findings(made: Fleet, sec: User) -> None:
    bulk = change_findings(Finding.objects.all(), Comment("x"), by=sec, now=NOW)
    with pytest.raises(InvalidChange, match="Comments stay"):
        undo_change(bulk.pk, by=sec, now=LATER)
