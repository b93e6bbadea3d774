from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compliance.models import Evaluation, Image, Outline, Policy, PolicyVersion
from compliance.models.bulk import update_rows, upsert_rows

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
UNIQUE = ("outline", "policy_version")

pytestmark = pytest.mark.django_db


@pytest.fixture
def images() -> list[Image]:
    rows = [Image(digest=f"sha256:{number}", artifact="chart", first_seen_at=NOW) for number in range(3)]
    return Image.objects.bulk_create(rows)


@pytest.fixture
def outlines() -> list[Outline]:
    return Outline.objects.bulk_create(Outline(digest=str(number), text="{}") for number in range(3))


@pytest.fixture
def version() -> PolicyVersion:
    policy = Policy.objects.create(name="p", title="P")
    return PolicyVersion.objects.create(policy=policy, number=1, document={}, created_at=NOW)


def _evaluation(outline: Outline, version: PolicyVersion, verdict: str) -> Evaluation:
    violated = ["“quoted” \\ \n"]
    return Evaluation(outline=outline, policy_version=version, verdict=verdict, violated=violated, evaluated_at=NOW)


def test_update_writes_every_kind_of_column_in_one_statement(images: list[Image]) -> None:
    for number, image in enumerate(images):
        image.uid, image.declared_user, image.built_at, image.facts = number, 'a"b\\c', NOW, None
    images[0].uid = None

    with CaptureQueriesContext(
        connection,
    ) as queries:
        update_rows(images, ["uid", "declared_user", "built_at"])

    assert len(queries) == 1
    rows = Image.objects.order_by("pk").values_list("uid", "declared_user", "built_at")
    assert list(rows) == [(None, 'a"b\\c', NOW), (1, 'a"b\\c', NOW), (2, 'a"b\\c', NOW)]


def test_update_of_nothing_asks_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        update_rows([], ["uid"])
        upsert_rows([], UNIQUE, replace=True)

    assert len(queries) == 0


def test_insert_what_is_missing(outlines: list[Outline], version: PolicyVersion) -> None:
    _evaluation(outlines[0], version, "pass").save()

    upsert_rows([_evaluation(outline, version, "fail") for outline in outlines], UNIQUE, replace=False)

    assert list(Evaluation.objects.order_by("outline").values_list("verdict", flat=True)) == ["pass", "fail", "fail"]
    last = Evaluation.objects.latest("outline")
    assert (last.violated, last.evaluated_at, last.failed_on) == (["“quoted” \\ \n"], NOW, [])


def test_replace_what_is_there(outlines: list[Outline], version: PolicyVersion) -> None:
    _evaluation(outlines[0], version, "pass").save()

    upsert_rows([_evaluation(outlines[0], version, "fail")], UNIQUE, replace=True)

    assert Evaluation.objects.get().verdict == "fail"
