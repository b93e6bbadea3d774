"""What a scope would let through, before it is saved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compliance.models import Repository, Tag
from compliance.policy.scan_scope import ScanScope
from compliance.queries import scope_preview as module
from compliance.queries.scope_preview import scope_preview
from tests.support.rows import NOW, Fleet, fleet, tag_row


@pytest.fixture
def three(db: None) -> Fleet:
    """Three repositories with the tags 1.0 and latest."""
    return fleet(3)


def test_everything(three: Fleet) -> None:
    found = scope_preview(three.registry, ScanScope(), (), now=NOW)
    assert (found.repositories.inside, found.repositories.outside) == (3, 0)
    assert (found.tags.inside, found.tags.outside, found.complete) == (6, 0, True)


def test_names(three: Fleet) -> None:
    scope = ScanScope(exclude_repositories=("*-0001",), include_tags=("1.*",))
    found = scope_preview(three.registry, scope, (), now=NOW)
    assert found.repositories.examples_outside == ["team/app-0001"]
    assert found.tags.examples_inside == ["team/app-0000:1.0", "team/app-0002:1.0"]
    assert found.tags.examples_outside == ["team/app-0000:latest", "team/app-0002:latest"]


def test_protected_tags_count(three: Fleet) -> None:
    found = scope_preview(three.registry, ScanScope(exclude_tags=("*",)), ("lat*",), now=NOW)
    assert (found.tags.inside, found.tags.outside) == (3, 3)


def test_the_newest(three: Fleet) -> None:
    repository = three.repositories[0]
    old = NOW - timedelta(days=400)
    Tag.objects.bulk_create(
        tag_row(repository, f"0.{n}", three.passing, first_seen_at=old, moved_at=old) for n in range(5)
    )
    found = scope_preview(three.registry, ScanScope(newest_tags=1), (), now=NOW)
    assert (found.tags.inside, found.tags.outside, found.by_age) == (6, 5, True)


def test_what_is_left_out_now_can_be_let_in(three: Fleet) -> None:
    Repository.objects.update(deleted_at=NOW, problem_code="out-of-scope")
    Tag.objects.filter(name="1.0").update(deleted_at=NOW)
    found = scope_preview(three.registry, ScanScope(), (), now=NOW)
    assert (found.repositories.inside, found.tags.examples_inside[0]) == (3, "team/app-0000:latest")


def test_a_registry_nobody_has_scanned(three: Fleet) -> None:
    found = scope_preview(None, ScanScope(), (), now=NOW)
    assert (found.repositories.examined, found.tags.examined, found.complete) == (0, 0, True)


def test_no_more_is_looked_at_than_is_quick(three: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TAGS", 5)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = scope_preview(three.registry, ScanScope(), (), now=NOW)
    assert (found.tags.examined, found.complete, len(queries)) == (4, False, 2)
    monkeypatch.setattr(module, "MOST_REPOSITORIES", 2)
    assert scope_preview(three.registry, ScanScope(), (), now=NOW).repositories.examined == 2


def test_one_repository_with_too_many_tags(three: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TAGS", 1)
    found = scope_preview(three.registry, ScanScope(), (), now=NOW)
    assert (found.tags.examined, found.complete) == (1, False)
