"""What tags pointed to, under the policy of today: what nobody knows any more is unknown, whatever was said then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from compliance.models import Registry, Repository, Tag, TagChange
from compliance.policy.scan_scope import OUT_OF_SCOPE
from compliance.queries import weighed_again
from compliance.queries.weighed_again import moves_of
from scanner.domain.verdict import Verdict
from tests.support.facts import facts
from tests.support.rows import NOW, Fleet, artifact, fleet, image, index, unreadable

pytestmark = pytest.mark.django_db
KEPT = timedelta(days=7)
PASS, FAIL, UNKNOWN, NOTHING = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE
THEN = NOW - timedelta(days=3)


@pytest.fixture
def made() -> Fleet:
    found = fleet(1)
    TagChange.objects.all().delete()
    return found


def moved(tag: Tag, digest: str, kind: str = "moved", *, at: datetime = THEN) -> None:
    TagChange.objects.create(repository=tag.repository, tag=tag, kind=kind, at=at, to_digest=digest)


def verdicts(repository: Repository) -> list[Verdict | None]:
    row = Repository.objects.select_related("registry", "policy__current").get(pk=repository.pk)
    found = moves_of(row, kept=KEPT, now=NOW)
    assert found is not None
    assert found == sorted(found, key=lambda move: move.at)
    return [move.verdict for move in found]


def test_every_move_has_the_verdict_of_today(made: Fleet) -> None:
    tag = made.tags[0]
    moved(tag, made.failing.digest, "created", at=THEN - timedelta(days=30))
    moved(tag, unreadable(903).digest, at=THEN - timedelta(days=20))
    moved(tag, artifact(904).digest, at=THEN - timedelta(days=10))
    moved(tag, "", "deleted", at=THEN - timedelta(days=5))
    moved(tag, made.passing.digest, "returned")

    assert verdicts(tag.repository) == [FAIL, UNKNOWN, NOTHING, None, PASS]


def test_what_was_judged_again_is_no_move(made: Fleet) -> None:
    moved(made.tags[0], made.passing.digest, "rejudged")

    assert verdicts(made.tags[0].repository) == []


def test_an_image_nobody_has_any_more_is_unknown(made: Fleet) -> None:
    moved(made.tags[0], f"sha256:{'ab' * 32}")
    moved(made.tags[0], "")

    assert verdicts(made.tags[0].repository) == [UNKNOWN, UNKNOWN]


def test_an_image_other_rules_were_put_to_is_unknown(made: Fleet) -> None:
    old = image(facts("1001:1001"), 905)
    type(old).objects.filter(pk=old.pk).update(outline_revision=1)
    moved(made.tags[0], old.digest)
    moved(made.tags[0], made.passing.digest)  # it shares the outline

    assert verdicts(made.tags[0].repository) == [UNKNOWN, PASS]


def test_an_index_is_the_worst_of_its_platforms(made: Fleet) -> None:
    moved(made.tags[0], index(906, [made.passing, made.failing]).digest)
    moved(made.tags[0], index(907, [made.passing, made.passing]).digest)

    assert verdicts(made.tags[0].repository) == [FAIL, PASS]


def test_an_index_that_was_read_for_other_platforms_is_unknown(made: Fleet) -> None:
    moved(made.tags[0], index(907, [made.passing]).digest)
    Registry.objects.update(platforms=["linux/s390x"])

    assert verdicts(made.tags[0].repository) == [UNKNOWN]


def test_a_tag_that_is_left_out_now_never_counted(made: Fleet) -> None:
    moved(made.tags[0], made.passing.digest)
    moved(made.tags[1], made.failing.digest)
    Tag.objects.filter(pk=made.tags[1].pk).update(deleted_at=NOW, problem_code=OUT_OF_SCOPE)

    assert verdicts(made.tags[0].repository) == [PASS]


@pytest.mark.parametrize(("days", "found"), [(6, [PASS]), (7, [PASS, UNKNOWN]), (8, [PASS, UNKNOWN])])
def test_a_tag_the_registry_does_not_confirm_is_unknown_after_a_while(
    made: Fleet, days: int, found: list[Verdict]
) -> None:
    moved(made.tags[0], made.passing.digest, at=NOW - timedelta(days=90))
    Tag.objects.filter(pk=made.tags[0].pk).update(unconfirmed_since=NOW - timedelta(days=days))

    assert verdicts(made.tags[0].repository) == found


def test_a_tag_that_cannot_be_read_now_is_unknown_whatever_its_image_is_elsewhere(made: Fleet) -> None:
    moved(made.tags[0], made.passing.digest)
    Tag.objects.filter(pk=made.tags[0].pk).update(image=None, verdict="unknown")

    assert verdicts(made.tags[0].repository) == [PASS, UNKNOWN]


def test_too_many_moves_are_not_weighed(made: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighed_again, "MOST_MOVES", 2)
    row = Repository.objects.select_related("registry", "policy__current").get(pk=made.repositories[0].pk)
    for count in (2, 3):
        TagChange.objects.all().delete()
        for _ in range(count):
            moved(made.tags[0], made.passing.digest)
        assert (moves_of(row, kept=KEPT, now=NOW) is None) == (count == 3)
