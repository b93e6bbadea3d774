"""Labels of repositories: all of them or none, by whom, what the trail says, and what never touches them."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from compliance.models import AuditEvent, LabelSet, Registry, Repository, User
from compliance.policy.labels import InvalidLabel, Relabel
from compliance.services import label_repositories as service
from compliance.services.delete_registry import delete_registry
from compliance.services.label_repositories import Labelled, MayNotLabel, label_repositories
from compliance.services.watch_repository import watch
from tests.compliance.services.test_changes_and_scans import InBackground
from tests.support.remediation import own, team
from tests.support.rows import NOW, Fleet, fleet, user

pytestmark = pytest.mark.django_db

ALL = Repository.objects.all()


@pytest.fixture
def made() -> Fleet:
    """Three repositories, two of them a team's."""
    found = fleet(3)
    own(team("Web", triager=user("tia", role="member"), viewer=user("vic", role="member")), found.repositories[:2])
    return found


@pytest.fixture
def sec(made: Fleet) -> User:
    return user("sec", role="security")


def labels() -> list[list[str] | None]:
    return list(Repository.objects.order_by("name").values_list("label_set__labels", flat=True))


def add(*names: str) -> Relabel:
    return Relabel(add=frozenset(names))


def remove(*names: str) -> Relabel:
    return Relabel(remove=frozenset(names))


def test_what_differs_is_changed(made: Fleet, sec: User) -> None:
    first, second, third = (row.pk for row in made.repositories)
    assert label_repositories(ALL.filter(pk=first), add("web", "pci"), by=sec) == Labelled((first,), (first,))
    assert label_repositories(ALL, add("pci"), by=sec) == Labelled((first, second, third), (second, third))
    assert labels() == [["pci", "web"], ["pci"], ["pci"]]
    assert label_repositories(ALL, remove("web"), by=sec).changed == (first,)
    assert label_repositories(ALL, remove("pci"), by=sec).changed == (first, second, third)
    assert labels() == [[], [], []]
    assert label_repositories(ALL.none(), add("x"), by=sec) == Labelled((), ())


def test_two_people_at_once_both_get_what_they_asked_for(made: Fleet, sec: User) -> None:
    one = ALL.filter(pk=made.repositories[0].pk)
    label_repositories(one, add("a", "b"), by=sec)
    label_repositories(one, Relabel(frozenset({"c"}), frozenset({"a"})), by=sec)
    label_repositories(one, Relabel(frozenset({"d"}), frozenset({"b"})), by=sec)
    assert labels()[0] == ["c", "d"]


def test_of_a_team_by_who_works_on_its_findings(made: Fleet) -> None:
    tia, vic = User.objects.get(username="tia"), User.objects.get(username="vic")
    label_repositories(ALL.filter(team__slug="web"), add("ours"), by=tia)
    for rows, by in ((ALL, tia), (ALL.filter(team=None), tia), (ALL.filter(team__slug="web"), vic)):
        with pytest.raises(MayNotLabel):
            label_repositories(rows, add("theirs"), by=by)
    assert labels() == [["ours"], ["ours"], None]


def test_no_repository_has_more_than_twenty(made: Fleet, sec: User) -> None:
    one, many = ALL.filter(pk=made.repositories[0].pk), [f"l{at:02}" for at in range(20)]
    label_repositories(one, add(*many), by=sec)
    with pytest.raises(InvalidLabel, match="A repository has up to 20 labels; take one away first"):
        label_repositories(one, add("more"), by=sec)
    with pytest.raises(InvalidLabel, match="1 of these 3 repositories would have more than 20 labels"):
        label_repositories(ALL, add("more"), by=sec)
    assert labels() == [many, None, None]
    label_repositories(one, Relabel(frozenset({"more"}), frozenset({"l00"})), by=sec)
    assert label_repositories(ALL, add("last"), by=sec, only_where_room=True).changed == tuple(
        row.pk for row in made.repositories[1:]
    )
    with pytest.raises(IntegrityError, match="label_set_not_too_long"), transaction.atomic():
        LabelSet.objects.update(labels=[*many, "more"])


def test_so_many_at_once(made: Fleet, sec: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_AT_ONCE", 2)
    with pytest.raises(InvalidLabel, match="more than 2 repositories"):
        label_repositories(ALL, add("x"), by=sec)
    assert len(label_repositories(ALL.filter(team__slug="web"), add("x"), by=sec).changed) == 2


def test_the_trail_says_what_they_were(made: Fleet, sec: User) -> None:
    one = ALL.filter(pk=made.repositories[0].pk)
    for change in (add("b"), add("b"), add("a"), remove("a", "b")):
        label_repositories(one, change, by=sec)
    told = AuditEvent.objects.filter(kind="labelset").order_by("pk").values_list("action", "data__labels")
    assert list(told) == [("added", ["b"]), ("changed", ["a", "b"]), ("changed", [])]
    assert AuditEvent.objects.filter(data__repository_id=made.repositories[0].pk, kind="labelset").count() == 3


@pytest.mark.django_db(transaction=True)
def test_they_go_with_their_registry_and_so_does_who_watches(made: Fleet, sec: User) -> None:
    other = fleet(1, name="Kept")
    label_repositories(ALL, add("pci"), by=sec)
    watch(made.repositories[0].pk, by=sec, now=NOW)
    delete_registry(made.registry, by=None)
    assert list(LabelSet.objects.values_list("repository", flat=True)) == [other.repositories[0].pk]


@pytest.mark.django_db(transaction=True)
def test_a_registry_is_deleted_while_its_repositories_are_labelled(made: Fleet, sec: User) -> None:
    with transaction.atomic():
        label_repositories(ALL, add("pci"), by=sec)
        deletion = InBackground(lambda: delete_registry(made.registry, by=None))
        deletion.until_it_waits()
    deletion.end()
    assert not Registry.objects.exists()
    assert not LabelSet.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_labelled_of_a_registry_that_is_being_deleted(made: Fleet, sec: User) -> None:
    with transaction.atomic():
        delete_registry(made.registry, by=None)
        labelling = InBackground(lambda: label_repositories(ALL, add("pci"), by=sec))
        labelling.until_it_waits()
    labelling.end()
    assert not LabelSet.objects.exists()
