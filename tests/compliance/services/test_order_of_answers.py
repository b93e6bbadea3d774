"""Two workers ask for the same tags: whoever asked last is believed, in whatever order they write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise, permutations, product
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from compliance.models import Registry, Repository, RepositoryScan, Scan, Tag, TagChange
from compliance.models.clock import database_now
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.forget_tags import forget_tags
from compliance.services.known_images import known_images
from compliance.services.open_source import open_source
from compliance.services.run_scan_inline import run_scan_inline, work_on
from compliance.services.write_tags import TagRead, write_tags
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import RepositoryName, TagName
from scanner.sources.source import Resolved
from tests.compliance.services.conftest import World, app
from tests.compliance.services.test_only_tags import ask_for

OLD, NEW = app("", "old"), app("10001:10001", "new")


def part_of(scan: Scan) -> WakeUp:
    return WakeUp(Work.REPOSITORY_SCAN, RepositoryScan.objects.get(scan=scan).pk)


@contextmanager
def before_layers(world: World, then: Callable[[], None]) -> Iterator[Callable[[Registry], Any]]:
    """An opener whose source does something else once, after the HEADs and before the first image is read."""
    done: list[bool] = []

    @contextmanager
    def opener(registry: Registry) -> Iterator[Any]:
        with open_source(registry) as source:
            document = source.document

            def first(*asked: Any) -> Any:
                if not done:
                    done.append(True)
                    worker = threading.Thread(target=then)
                    worker.start()
                    worker.join()
                return document(*asked)

            source.document = first  # type: ignore[method-assign, assignment]  # what a slow registry does between two answers
            yield source

    yield opener


@pytest.fixture
def shared(world: World, transactional_db: None) -> World:
    """One tag, scanned."""
    world.layout.tag("team/app", "1", app("1001", "first"))
    world.scan()
    world.later(hours=1)
    return world


def aside(work: Callable[[], object]) -> Callable[[], None]:
    """Work of another process: its own connection."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return run


@pytest.mark.django_db(transaction=True)
def test_a_push_that_overtakes_a_whole_scan_is_not_undone(shared: World) -> None:
    shared.layout.tag("team/app", "1", OLD)
    whole = ask_for(shared, None)

    def push() -> None:
        shared.layout.tag("team/app", "1", NEW)
        work_on(part_of(ask_for(shared, ["1"])), clock=lambda: shared.now)

    with before_layers(shared, aside(push)) as opener:
        work_on(part_of(whole), clock=lambda: shared.now, opener=opener)

    assert (shared.tag("team/app").digest, shared.tag("team/app").verdict) == (NEW.digest, "pass")
    assert [change.to_digest for change in TagChange.objects.order_by("pk")][1:] == [NEW.digest]
    assert Repository.objects.get().passed == 1


@pytest.mark.django_db(transaction=True)
def test_a_tag_that_went_back_while_a_scan_read_what_it_was_in_between(shared: World) -> None:
    before = shared.tag("team/app").digest
    first = app("1001", "first")
    shared.layout.tag("team/app", "1", OLD)
    whole = ask_for(shared, None)

    def back() -> None:
        shared.layout.tag("team/app", "1", first)
        work_on(part_of(ask_for(shared, ["1"])), clock=lambda: shared.now)

    with before_layers(shared, aside(back)) as opener:
        work_on(part_of(whole), clock=lambda: shared.now, opener=opener)

    assert shared.tag("team/app").digest == before == first.digest
    assert TagChange.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_scan_that_asked_later_is_not_undone_by_a_slow_push(shared: World) -> None:
    shared.layout.tag("team/app", "1", OLD)
    push = ask_for(shared, ["1"])

    def whole() -> None:
        shared.layout.tag("team/app", "1", app("1001", "first"))
        shared.scan()

    with before_layers(shared, aside(whole)) as opener:
        work_on(part_of(push), clock=lambda: shared.now, opener=opener)

    assert shared.tag("team/app").digest == app("1001", "first").digest


@contextmanager
def while_asking(tag: str, then: Callable[[], None]) -> Iterator[Callable[[Registry], Any]]:
    """An opener whose source does something else while it waits for the answer about one tag."""

    @contextmanager
    def opener(registry: Registry) -> Iterator[Any]:
        with open_source(registry) as source:
            resolve = source.resolve

            def slowly(repository: RepositoryName, name: TagName) -> Resolved:
                if name == tag:
                    then()
                return resolve(repository, name)

            source.resolve = slowly  # type: ignore[method-assign, assignment]  # what a slow registry does
            yield source

    yield opener


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("named", [None, ["1", "2"]])
@pytest.mark.parametrize("gone", [False, True])
def test_each_tag_is_as_old_as_its_own_question(
    shared: World, settings: Settings, named: list[str] | None, gone: bool
) -> None:
    """Somebody asks for the last tag of a batch that is under way, and it changes before the batch comes to it."""
    settings.SCAN_CONNECTIONS = 1
    shared.layout.tag("team/app", "2", OLD)
    slow = ask_for(shared, named)

    def asked_in_between() -> None:
        work_on(part_of(ask_for(shared, ["2"])), clock=lambda: shared.now)
        assert shared.tag("team/app", "2").digest == OLD.digest
        shared.layout.untag("team/app", "2")
        if not gone:
            shared.layout.tag("team/app", "2", NEW)

    with while_asking("1", aside(asked_in_between)) as opener:
        work_on(part_of(slow), clock=lambda: shared.now, opener=opener)

    tag = shared.tag("team/app", "2")
    if gone and named:
        assert tag.deleted_at is not None
    else:
        assert (tag.digest, tag.problem_code) == ((OLD.digest, "manifest-unknown") if gone else (NEW.digest, ""))


@pytest.mark.django_db(transaction=True)
def test_a_tag_pushed_after_the_listing_is_not_deleted(shared: World) -> None:
    shared.layout.tag("team/app", "2", OLD)
    whole = ask_for(shared, None)

    def push() -> None:
        shared.layout.tag("team/app", "3", NEW)
        work_on(part_of(ask_for(shared, ["3"])), clock=lambda: shared.now)

    with before_layers(shared, aside(push)) as opener:
        work_on(part_of(whole), clock=lambda: shared.now, opener=opener)

    assert [tag.name for tag in Tag.objects.listed()] == ["1", "2", "3"]


@pytest.mark.django_db(transaction=True)
def test_a_tag_deleted_after_the_listing_does_not_come_back(shared: World) -> None:
    shared.layout.tag("team/app", "1", OLD)
    whole = ask_for(shared, None)

    def delete() -> None:
        shared.layout.untag("team/app", "1")
        work_on(part_of(ask_for(shared, ["1"])), clock=lambda: shared.now)

    with before_layers(shared, aside(delete)) as opener:
        work_on(part_of(whole), clock=lambda: shared.now, opener=opener)

    assert not Tag.objects.listed().exists()


@pytest.mark.django_db(transaction=True)
def test_a_repository_pushed_to_after_the_listing_stays(shared: World) -> None:
    shared.layout.delete_repository("team/app")

    @contextmanager
    def opener(registry: Registry) -> Iterator[Any]:
        with open_source(registry) as source:
            names = list(source.repositories())
            aside(push)()
            source.repositories = lambda: iter(names)  # type: ignore[method-assign]  # asked just before the push
            yield source

    def push() -> None:
        shared.layout.tag("team/app", "1", NEW)
        work_on(part_of(ask_for(shared, ["1"])), clock=lambda: shared.now)

    run_scan_inline(shared.registry, clock=lambda: shared.now, trigger="command", opener=opener)

    assert shared.tag("team/app").digest == NEW.digest


@pytest.mark.django_db(transaction=True)
def test_a_push_brings_a_deleted_repository_back(shared: World) -> None:
    shared.layout.delete_repository("team/app")
    shared.scan()
    shared.layout.tag("team/app", "1", NEW)

    work_on(part_of(ask_for(shared, ["1"])), clock=lambda: shared.now)

    repository = Repository.objects.get()
    assert (repository.deleted_at, repository.tags_total) == (None, 1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once(shared: World) -> None:
    """Whole scans and pushes on threads, while the tags move: at rest, the rows say what the registry says."""
    for number in range(6):
        shared.layout.tag("team/app", f"t{number}", OLD)
    stop = threading.Event()

    def move() -> None:
        for at, image in product(range(6), (NEW, OLD, NEW)):
            shared.layout.tag("team/app", f"t{at}", image)
            work_on(part_of(ask_for(shared, [f"t{at}"])), clock=lambda: shared.now)
        stop.set()

    def scan() -> None:
        while not stop.is_set():
            work_on(part_of(ask_for(shared, None)), clock=lambda: shared.now)

    threads = [threading.Thread(target=aside(work)) for work in (move, scan)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(Tag.objects.exclude(name="1").values_list("digest", flat=True)) == {NEW.digest}
    moves = TagChange.objects.filter(tag__name="t5").order_by("pk").values_list("from_digest", "to_digest")
    assert all(before[1] == after[0] for before, after in pairwise(moves))


def test_a_manifest_that_is_deleted_between_two_answers_is_unknown_and_named(shared: World) -> None:
    shared.layout.tag("team/app", "1", NEW)
    paths = [f"/v2/team/app/manifests/{NEW.digest}"]

    with before_layers(shared, lambda: shared.server.faults.statuses.update(dict.fromkeys(paths, 404))) as opener:
        run_scan_inline(shared.registry, clock=lambda: shared.now, trigger=Scan.Trigger.COMMAND, opener=opener)

    tag = shared.tag("team/app")
    assert (tag.digest, tag.verdict, tag.problem_code) == (NEW.digest, "unknown", "manifest-unknown")


def test_a_registry_that_gives_other_bytes_than_it_announced_is_named(shared: World) -> None:
    shared.layout.tag("team/app", "1", NEW)
    shared.server.faults.digest_header = OLD.digest

    shared.scan()

    tag = shared.tag("team/app")
    assert (tag.digest, tag.verdict) == (OLD.digest, "unknown")
    assert tag.problem_code in ("manifest-unknown", "digest-mismatch")


def test_a_tag_that_passed_and_fails_now_has_regressed(world: World) -> None:
    for tag, image in {"a": NEW, "b": OLD, "c": NEW}.items():
        world.layout.tag("team/app", tag, image)
    world.scan()
    for tag, image in {"a": OLD, "b": NEW, "d": app("", "other")}.items():
        world.layout.tag("team/app", tag, image)

    scan = world.scan()

    assert (scan.new, scan.regressed, scan.fixed) == (2, 1, 1)
    assert RepositoryScan.objects.get(scan=scan).regressed == 1


ANSWERS = ("first", "second", "", "third")
"""What the registry said, one after the other; empty: that the tag is gone."""


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("rows_before", [True, False])
def test_the_last_answer_counts_in_whatever_order_they_are_written(
    world: World, order: tuple[int, ...], rows_before: bool
) -> None:
    if rows_before:
        world.layout.tag("team/app", "1", OLD)
        world.scan()
    repository, _ = Repository.objects.get_or_create(
        registry=world.registry, name="team/app", defaults={"policy": world.registry.policy, "first_seen_at": world.now}
    )
    version = repository.policy.current
    assert version is not None
    scan, start = ask_for(world, ["1"]), database_now()
    for at in order:
        asked = start + timedelta(seconds=at)
        if not ANSWERS[at]:
            pks = Tag.objects.values_list("pk", flat=True)
            forget_tags(repository.pk, dict.fromkeys(pks, asked), scan.pk, now=world.now)
            continue
        read = TagRead("1", ANSWERS[at], ImageProblem("broken", "It cannot be read."), seen_at=asked)
        write_tags(repository, [read], known_images([], version), version, scan.pk, now=world.now)

    tag = Tag.objects.get()
    assert (tag.digest, tag.deleted_at, tag.seen_at) == ("third", None, start + timedelta(seconds=3))
