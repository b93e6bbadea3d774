"""Who owns what, kept in step with rules, labels, pushes and people."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import OwnershipRule, Repository
from compliance.services.assign_owners import assign_owners
from compliance.services.ownership_rules import add_rule, move_rule, remove_rule
from tests.compliance.services.conftest import BASE, World
from tests.support.images import File, Stored, artifact, image, image_from_config, index, layer
from tests.support.remediation import team
from tests.support.rows import NOW, never_scanned, registry

SOURCE = "org.opencontainers.image.source"


def labeled(mark: str, labels: dict[str, str], platform: str = "linux/amd64") -> Stored:
    """An image of its own with labels."""
    return image([BASE, layer({"srv/mark": File(mark.encode())})], user="1001", labels=labels, platform=platform)


def owners() -> dict[str, str | None]:
    """Slugs of teams by names of repositories."""
    return dict(Repository.objects.values_list("name", "team__slug"))


def labels(name: str) -> object:
    return Repository.objects.get(name=name).labels


@pytest.mark.django_db
def test_the_last_rule_that_fits_counts() -> None:
    home, other = registry(), registry("Other")
    for place, name in ((home, "a/one"), (home, "a/two"), (home, "b/one"), (other, "a/one-else")):
        never_scanned(place, name)
    platform, web = team("Platform"), team("Web")
    wide = add_rule(platform, "*", now=NOW)
    add_rule(web, "a/*", registry=home, now=NOW)
    assert owners() == {"a/one": "web", "a/two": "web", "b/one": "platform", "a/one-else": "platform"}
    move_rule(wide, 1, now=NOW)
    assert set(owners().values()) == {"platform"}
    assert set(Repository.objects.values_list("team_rule", flat=True)) == {wide.pk}
    move_rule(wide, -1, now=NOW)
    remove_rule(wide, now=NOW)
    assert owners() == {"a/one": "web", "a/two": "web", "b/one": None, "a/one-else": None}


@pytest.mark.django_db
def test_a_rule_moves_no_further_than_the_end() -> None:
    row = add_rule(team(), "*", now=NOW)
    for by in (-1, 1, 5):
        move_rule(row, by, now=NOW)
    assert OwnershipRule.objects.get().position == 0
    remove_rule(OwnershipRule.objects.get(), now=NOW)
    move_rule(row, 1, now=NOW)
    assert not OwnershipRule.objects.exists()


@pytest.mark.django_db
def test_what_a_person_said_stays() -> None:
    row = never_scanned(registry(), "a")
    mine, theirs = team("Mine"), team("Theirs")
    Repository.objects.filter(pk=row.pk).update(team=mine, team_pinned=True)
    add_rule(theirs, "*", now=NOW)
    assert owners() == {"a": "mine"}
    Repository.objects.filter(pk=row.pk).update(team_pinned=False)
    assert assign_owners(now=NOW) == 1
    assert assign_owners(now=NOW) == 0
    assert owners() == {"a": "theirs"}


@pytest.mark.django_db
def test_ten_thousand_repositories_take_a_handful_of_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    home, web = registry(), team()
    new = (
        Repository(registry=home, policy=home.policy, name=f"group-{at % 100}/app-{at}", first_seen_at=NOW)
        for at in range(10_000)
    )
    Repository.objects.bulk_create(new, batch_size=2_000)
    for at in range(100):
        OwnershipRule.objects.create(position=at, team=web, pattern=f"group-{at}/*app-1*")
    with django_assert_max_num_queries(7):
        changed = assign_owners(now=NOW)
    assert changed == sum(f"app-{at}".startswith("app-1") for at in range(10_000))


def test_a_scan_gives_new_repositories_to_their_teams(world: World) -> None:
    add_rule(team("Web"), "web/*", now=NOW)
    world.layout.tag("web/shop", "1", labeled("a", {}))
    world.layout.tag("tools", "1", labeled("b", {}))
    world.scan()
    assert owners() == {"web/shop": "web", "tools": None}


def test_labels_are_those_of_the_newest_tag_and_give_the_repository_away(world: World) -> None:
    add_rule(team("Web"), "https://git.example/web/*", label=SOURCE, now=NOW)
    add_rule(team("Tools"), "https://git.example/tools/*", label=SOURCE, now=NOW)
    world.layout.tag(
        "shop", "1", labeled("a", {SOURCE: "https://git.example/web/shop", "bad\0": "x", "long": "v" * 501})
    )
    world.scan()
    assert labels("shop") == {SOURCE: "https://git.example/web/shop"}
    assert owners() == {"shop": "web"}
    world.later(hours=1)
    world.layout.tag("shop", "0.9", labeled("b", {SOURCE: "https://git.example/tools/shop"}))
    world.scan()
    assert owners() == {"shop": "tools"}
    world.layout.untag("shop", "0.9")
    world.later(hours=1)
    world.scan()
    assert owners() == {"shop": "web"}


def test_labels_that_stay_ask_for_no_owner(world: World) -> None:
    world.layout.tag("shop", "1", labeled("a", {"team": "x"}))
    world.scan()
    Repository.objects.update(team=team())
    world.later(hours=1)
    world.layout.tag("shop", "2", labeled("b", {"team": "x"}))
    world.scan()
    assert owners() == {"shop": "payments"}
    assert Repository.objects.get().labels_digest == world.tag("shop", "2").digest


def test_an_index_has_the_labels_of_its_first_image(world: World) -> None:
    children = [labeled(each, {"arch": each}, f"linux/{each}") for each in ("arm64", "amd64")]
    world.layout.tag("shop", "1", index(children))
    world.scan()
    assert labels("shop") == {"arch": "arm64"}


def test_what_cannot_be_read_takes_nothing_away(world: World) -> None:
    add_rule(team("Web"), "yes", label="web", now=NOW)
    world.layout.tag("shop", "1", labeled("a", {"web": "yes"}))
    world.scan()
    world.later(hours=1)
    world.layout.tag("shop", "2", image_from_config(b'{"config": {"User": 5, "Labels": {"web": "no"}}}'))
    world.scan()
    assert world.tag("shop", "2").verdict == "unknown"
    assert (labels("shop"), owners()) == ({"web": "yes"}, {"shop": "web"})


def test_a_signature_that_follows_a_push_has_no_say(world: World) -> None:
    world.layout.tag("shop", "1", labeled("a", {"team": "x"}))
    world.scan()
    world.later(hours=1)
    world.layout.tag("shop", "sha256-1.sig", artifact(("application/vnd.oci.empty.v1+json", b"{}"), []))
    world.scan()
    assert world.tag("shop", "sha256-1.sig").verdict == "not_applicable"
    assert (labels("shop"), Repository.objects.get().labels_digest) == ({"team": "x"}, world.tag("shop").digest)
