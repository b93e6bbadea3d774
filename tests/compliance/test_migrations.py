"""A database of the release before: what is in it is judged by the rules of this one."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from compliance.models import (
    DailySnapshot,
    Evaluation,
    FleetDay,
    Image,
    PolicyVersion,
    Registry,
    Rejudging,
    Repository,
    Scan,
    Tag,
)
from compliance.services.grade_repositories import grade_repositories
from scanner.domain.facts import ImageFacts
from scanner.judge import REVISION
from scanner.policies import POLICIES
from scanner.storage import dump_facts
from tests.support.clean import clean
from tests.support.facts import digest, remapped
from tests.support.rows import NOW, fleet

PART_1 = [("compliance", "0006_unconfirmed_and_protected_tags_raw_config")]
PART_2 = ("compliance", "0009_longer_artifact")
PART_3 = ("compliance", "0016_repositories_under_way")
_MUST_BE_GIVEN = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
    AND table_name <> 'compliance_user'
"""
"""People are added by hand, and by no process that goes on running."""


@pytest.fixture
def part_1(transactional_db: None) -> Iterator[Any]:
    """The tables as they were, with the models as they were; afterwards everything is as it is now."""
    executor = MigrationExecutor(connection)
    newest = [key for key in executor.loader.graph.leaf_nodes() if key[0] == "compliance"]
    executor.migrate(PART_1)
    yield executor.loader.project_state(PART_1).apps
    MigrationExecutor(connection).migrate(newest)


def image(apps: Any, found: ImageFacts, number: int) -> Any:
    return apps.get_model("compliance", "Image").objects.create(
        digest=digest(number), platform="linux/amd64", facts=dump_facts(found), first_seen_at=NOW, runs_as="old"
    )


def fill(apps: Any) -> None:
    policy = apps.get_model("compliance", "Policy").objects.create(name="kubernetes", title="Old")
    version = apps.get_model("compliance", "PolicyVersion").objects.create(
        policy=policy, number=1, document={"name": "kubernetes", "revision": 1}, created_at=NOW
    )
    policy.current = version
    policy.save()
    registry = apps.get_model("compliance", "Registry").objects.create(
        slug="r", name="R", url="https://r.example", policy=policy, created_at=NOW
    )
    repository = apps.get_model("compliance", "Repository").objects.create(
        registry=registry, name="app", first_seen_at=NOW, tags_total=2, passed=2
    )
    for number, found in enumerate((clean("10002"), remapped())):
        row = image(apps, found, number)
        apps.get_model("compliance", "Evaluation").objects.create(
            image=row, policy_version=version, verdict="pass", evaluated_at=NOW
        )
        apps.get_model("compliance", "Tag").objects.create(
            repository=repository,
            name=f"v{number}",
            digest=row.digest,
            image=row,
            verdict="pass",
            judged_by=version,
            first_seen_at=NOW,
            moved_at=NOW,
            judged_at=NOW,
        )


def test_what_an_older_release_stored_is_asked_and_judged_again(part_1: Any) -> None:
    fill(part_1)

    call_command("prepare")

    assert dict(Tag.objects.values_list("name", "verdict")) == {"v0": "pass", "v1": "fail"}
    assert set(Image.objects.values_list("runs_as", "outline_revision")) == {("10002:0", REVISION), ("0:0", REVISION)}
    repository = Repository.objects.get()
    assert (repository.policy.name, repository.passed, repository.failed) == ("kubernetes", 1, 1)
    assert repository.judged_by == PolicyVersion.objects.get(policy__name="kubernetes", number=2)
    assert Evaluation.objects.filter(policy_version=repository.judged_by).count() == 2
    assert set(Rejudging.objects.values_list("state", "done", "changed")) == {("done", 1, 1)}
    assert PolicyVersion.objects.exclude(current_of=None).count() == len(POLICIES)


def test_a_second_time_there_is_nothing_to_do(part_1: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fill(part_1)
    part_1.get_model("compliance", "User").objects.create(username="boss", is_staff=True)
    call_command("prepare")
    assert "Asked 2 images again; judged 2 tags." in capsys.readouterr().out
    call_command("prepare")
    assert capsys.readouterr().out == ""


@pytest.mark.django_db
def test_what_is_counted_once_is_counted_of_a_database_that_is_full_already() -> None:
    for name in ("Harbor", "Quay"):
        fleet(3, name=name)
    Registry.objects.filter(name="Quay").update(protected_tags=["1.*", "latest"])
    for home in Registry.objects.all():
        grade_repositories(home, now=NOW)

    def counted() -> tuple[object, ...]:
        days = FleetDay.objects.order_by("day", "registry").values("day", "registry", "passed", "failed", "score_sum")
        return list(days), dict(Repository.objects.values_list("pk", "failed_protected"))

    before = counted()
    days = import_module("compliance.migrations.0030_days_of_the_fleet")
    with connection.cursor() as cursor:
        cursor.execute(days.BACK)
        FleetDay.objects.all().delete()
        Repository.objects.update(failed_protected=0)
        cursor.execute(days.TRIGGERS)
        cursor.execute(import_module("compliance.migrations.0027_failing_protected_tags")._COUNT)
    assert counted() == before
    assert FleetDay.objects.count() == 2 * 9
    assert Repository.objects.filter(failed_protected=1).count() == 3
    DailySnapshot.objects.filter(closed=False).update(closed=True)
    assert FleetDay.objects.count() == 2 * 10


def models_of(release: tuple[str, str]) -> Any:
    """The models that processes of an older release go on with while this one is rolled out."""
    return MigrationExecutor(connection).loader.project_state([release]).apps


@pytest.mark.django_db
@pytest.mark.parametrize("release", [PART_2, PART_3])
def test_rows_of_processes_of_an_older_release_lack_nothing(release: tuple[str, str]) -> None:
    given = {
        model._meta.db_table: {field.column for field in model._meta.local_fields}
        for model in models_of(release).get_models()
        if model._meta.app_label == "compliance"
    }
    with connection.cursor() as cursor:
        cursor.execute(_MUST_BE_GIVEN)
        asked = cursor.fetchall()

    assert [(table, column) for table, column in asked if column not in given.get(table, {column})] == []


@pytest.mark.django_db
def test_what_a_process_of_an_older_release_adds_has_the_values_of_this_one() -> None:
    apps = models_of(PART_2)
    row = {name: apps.get_model("compliance", name).objects for name in ("Policy", "Registry", "Scan")}
    policy = row["Policy"].create(name="p", title="P")
    registry = row["Registry"].create(slug="r", name="R", url="https://r.example", policy=policy, created_at=NOW)
    row["Scan"].create(registry=registry, trigger="page", requested_at=NOW)

    added, new = Registry.objects.get(), Registry()
    fields = [field.attname for field in Registry._meta.local_fields if field.has_default()]
    assert {name: getattr(added, name) for name in fields} == {name: getattr(new, name) for name in fields}
    scan = Scan.objects.get()
    assert (scan.partial, scan.regressed, scan.bytes_saved) == (False, 0, 0)
