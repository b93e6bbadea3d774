"""What is known of when a tag was pushed, asked about and built."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compliance.models import Image, InboundEvent, Push, Repository, Scan, Tag
from compliance.queries.tag_times import Times, asked, times_of, with_times
from tests.support.facts import digest, facts
from tests.support.rows import NOW, Fleet, fleet, image, index, scan, tag_row

MOVED = NOW - timedelta(days=3)
SOON, LATER = MOVED - timedelta(seconds=20), MOVED + timedelta(minutes=1)
FIRST = datetime(2013, 1, 1, tzinfo=UTC)


@pytest.fixture
def made(db: None) -> Fleet:
    return fleet(1)


def times(name: str = "latest") -> Times:
    return times_of(with_times(Tag.objects.select_related("repository")).get(name=name))


def announced(made: Fleet, *, at: datetime = SOON, replay: bool = False, **columns: Any) -> Push:
    """A push of ``latest`` to where it points, which a scan answered that ended after the tag moved."""
    event = InboundEvent.objects.create(
        registry=made.registry, product="harbor", received_at=at, outcome="accepted", body=b"", body_size=0,
        replay_of=InboundEvent.objects.first() if replay else None,
    )  # fmt: skip
    values: dict[str, object] = {
        "state": "joined", "repository": "team/app-0000", "tag": "latest", "digest": made.failing.digest,
        "scan": scan(made.registry, finished_at=LATER),
    }  # fmt: skip
    return Push.objects.create(event=event, registry=made.registry, received_at=at, **{**values, **columns})


@pytest.mark.parametrize(
    ("alone", "together", "unconfirmed", "expected"),
    [
        (None, None, False, None),
        (NOW, None, False, NOW),
        (None, NOW, False, NOW),
        (MOVED, NOW, False, NOW),
        (NOW, MOVED, False, NOW),
        (NOW, NOW, True, None),
    ],
)
def test_when_the_registry_last_said_so(
    alone: datetime | None, together: datetime | None, unconfirmed: bool, expected: datetime | None
) -> None:
    assert asked(alone, together, unconfirmed=unconfirmed) == expected


def test_what_scans_wrote_down(made: Fleet) -> None:
    Repository.objects.update(scanned_at=MOVED)
    assert times().asked_at == MOVED
    Tag.objects.update(seen_at=NOW)
    assert times().asked_at == NOW
    Tag.objects.update(unconfirmed_since=NOW)
    assert times().asked_at is None


def test_a_push_that_was_announced(made: Fleet) -> None:
    assert times().pushed_at is None
    announced(made)
    assert times().pushed_at == SOON
    assert times("1.0").pushed_at is None


@pytest.mark.parametrize(
    "columns",
    [
        {"digest": digest(901)},
        {"digest": ""},
        {"kind": "deleted"},
        {"state": "waiting", "scan": None},
        {"state": "duplicate"},
        {"state": "out-of-scope"},
        {"scan": None},
        {"tag": "1.0"},
        {"repository": "team/app-0001"},
    ],
)
def test_what_is_no_announcement_of_it(made: Fleet, columns: dict[str, Any]) -> None:
    announced(made, **columns)
    assert times().pushed_at is None


def test_a_digest_nobody_knows_was_never_announced(made: Fleet) -> None:
    announced(made, digest="")
    Tag.objects.update(digest="")
    assert times().pushed_at is None


def test_another_registry_announces_nothing_of_this_one(made: Fleet) -> None:
    announced(fleet(1, name="Other"), digest=made.failing.digest)
    tags = with_times(Tag.objects.select_related("repository")).filter(repository__registry=made.registry)
    assert times_of(tags.get(name="latest")).pushed_at is None


def test_only_the_last_announcement_counts(made: Fleet) -> None:
    announced(made)
    announced(made, at=LATER, digest=digest(901))
    assert times().pushed_at is None


def test_a_replay_is_no_push(made: Fleet) -> None:
    announced(made)
    announced(made, at=NOW, replay=True)
    assert times().pushed_at == SOON


def test_a_tag_that_came_back_unannounced_was_not_pushed_then(made: Fleet) -> None:
    """The scan that answered the push of the first time had ended when the tag came here again."""
    push = announced(made, at=MOVED - timedelta(days=9))
    Scan.objects.filter(pushes=push).update(finished_at=MOVED - timedelta(days=8))
    assert times().pushed_at is None
    Scan.objects.filter(pushes=push).update(finished_at=None)
    assert times().pushed_at == push.received_at


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, False),
        (datetime(1, 1, 1, tzinfo=UTC), False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC), False),
        (FIRST - timedelta(seconds=1), False),
        (FIRST, True),
        (NOW - timedelta(days=1), True),
        (NOW, True),
        (NOW + timedelta(seconds=1), False),
        (datetime(9999, 12, 31, tzinfo=UTC), False),
    ],
)
def test_when_it_was_built(made: Fleet, said: datetime | None, shown: bool) -> None:
    Image.objects.update(built_at=said, first_seen_at=NOW)
    assert times().built_at == (said if shown else None)


@pytest.mark.parametrize(
    ("said", "youngest"),
    [
        ((None, None), None),
        ((NOW - timedelta(days=2), NOW - timedelta(days=1)), 1),
        ((NOW - timedelta(days=2), NOW + timedelta(days=1)), 0),
        ((datetime(1970, 1, 1, tzinfo=UTC), NOW), 1),
    ],
)
def test_of_several_platforms_the_youngest_counts(
    made: Fleet, said: tuple[datetime | None, ...], youngest: int | None
) -> None:
    rows = [image(facts("1001:1001"), 910 + at) for at in range(2)]
    for row, at in zip(rows, said, strict=True):
        Image.objects.filter(pk=row.pk).update(built_at=at, first_seen_at=NOW)
    target = index(920, rows)
    tag_row(made.repositories[0], "multi", rows[0], digest=target.digest, image=None, index=target).save()
    assert times("multi").built_at == (None if youngest is None else said[youngest])
