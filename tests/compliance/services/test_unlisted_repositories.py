"""Registries that list nothing: what was entered and what was learned is scanned, and nothing is forgotten."""

from __future__ import annotations

import pytest

from compliance.models import Registry, Repository, State
from compliance.services.assign_policies import policies_for
from tests.compliance.services.conftest import World, app


@pytest.fixture
def unlisted(world: World) -> World:
    """Two repositories, of which the registry's catalog says nothing."""
    world.layout.tag("team/entered", "1", app("1001"))
    world.layout.tag("team/learned", "1", app(""))
    world.server.faults.catalog_status = 404
    return world


def set_up(world: World, **columns: object) -> None:
    Registry.objects.filter(pk=world.registry.pk).update(**columns)
    world.registry.refresh_from_db()


def learn(world: World, name: str) -> None:
    """Write what a push does."""
    policy = policies_for(world.registry, [name])[name]
    Repository.objects.create(registry=world.registry, name=name, policy_id=policy, first_seen_at=world.now)


def names(world: World) -> set[str]:
    return set(Repository.objects.filter(registry=world.registry, deleted_at=None).values_list("name", flat=True))


@pytest.mark.parametrize("product", ["ecr-public", "ghcr", "distribution"])
def test_entered_and_learned_repositories_are_scanned(unlisted: World, product: str) -> None:
    set_up(unlisted, product=product, entered_repositories=["team/entered"])
    learn(unlisted, "team/learned")
    for _ in range(2):
        scan = unlisted.scan()
        unlisted.later(hours=1)
        assert (scan.state, scan.repositories_total, scan.problem_code) == (State.DONE, 2, "")
        assert names(unlisted) == {"team/entered", "team/learned"}
    assert (unlisted.tag("team/entered").verdict, unlisted.tag("team/learned").verdict) == ("pass", "fail")
    unlisted.registry.refresh_from_db()
    assert unlisted.registry.problem_code == ""


@pytest.mark.parametrize(
    ("product", "code", "remedy"),
    [("ecr-public", "catalog-unsupported", "name the repositories"), ("ghcr", "namespaces-missing", "Enter the org")],
)
def test_nothing_entered_and_nothing_learned_says_what_to_enter(
    unlisted: World, product: str, code: str, remedy: str
) -> None:
    set_up(unlisted, product=product)
    scan = unlisted.scan()
    assert (scan.state, scan.problem_code) == (State.FAILED, code)
    assert remedy in scan.problem_remedy


def test_a_catalog_that_went_away_is_said_while_the_known_repositories_are_scanned(world: World) -> None:
    world.layout.tag("team/app", "1", app("1001"))
    world.scan()
    world.server.faults.catalog_status = 404
    world.later(hours=1)
    scan = world.scan()
    world.registry.refresh_from_db()
    assert (scan.state, scan.repositories_total) == (State.DONE, 1)
    assert (names(world), world.registry.problem_code) == ({"team/app"}, "catalog-unsupported")
    assert world.tag("team/app").unconfirmed_since is None


def test_entered_repositories_are_added_to_a_listing(world: World) -> None:
    world.layout.tag("team/app", "1", app("1001"))
    set_up(world, entered_repositories=["hidden/app", "team/app"])
    scan = world.scan()
    assert (scan.repositories_total, names(world)) == (2, {"team/app", "hidden/app"})
