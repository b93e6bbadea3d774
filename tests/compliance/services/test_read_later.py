"""An image that nobody could read, and that is read later under the same digest: what the tag was last known to run as
is what counts, whoever reads it and whatever was unreadable in between.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_django import Settings

from compliance.models import Delivery, Finding, Image, Occurrence
from compliance.remediation.notices import Kind
from compliance.services.match_occurrences import Pointed
from compliance.services.pointed_before import shown_of, unread_until_now
from compliance.services.rejudge import rejudge
from scanner.domain.policy import RuleSetting
from tests.compliance.services.conftest import BASE, World, app
from tests.compliance.services.test_only_tags import scan_only
from tests.compliance.services.test_reconcile_findings import app_on_arm
from tests.compliance.services.test_reconcile_policies import change_policy
from tests.support.artifacts import helm_chart
from tests.support.channels import channel
from tests.support.images import File, Stored, image, index, layer
from tests.support.rows import user

ROOT, FINE = app(""), app("10001:10001")
FINE_ON_ARM, ROOT_ON_ARM = app_on_arm("10001:10001"), app_on_arm("")
TAG = "1"


def big(declared: str, mark: str) -> Stored:
    """An image with more files than ``small`` limits let us read."""
    return image([BASE, layer({f"srv/{mark}-{place}": File() for place in range(20)})], user=declared)


BIG_ROOT, OTHER_BIG_ROOT = big("", "one"), big("", "two")
BIG_FINE = big("10001:10001", "fine")


@pytest.fixture
def small(world: World, settings: Settings) -> World:
    """Big images cannot be read; somebody wants to hear of regressions."""
    channel(user("sec", role="security"), Kind.REGRESSION)
    settings.LIMITS = replace(settings.LIMITS, layer_entries=10)
    return world


def raise_limits(settings: Settings) -> None:
    settings.LIMITS = replace(settings.LIMITS, layer_entries=1_000)


def push(world: World, *targets: Stored, tag: str = TAG) -> None:
    """One after the other, each seen by a scan."""
    for target in targets:
        world.layout.tag("team/app", tag, target)
        scan(world)


def scan(world: World) -> None:
    world.later(hours=1)
    world.scan()


def told() -> int:
    """How often somebody was told of a regression."""
    return Delivery.objects.filter(kind=Kind.REGRESSION.value).count()


def root(platform: str = "linux/amd64") -> Finding:
    return Finding.objects.get(rule="NR101", platform=platform, repository__name="team/app")


@pytest.mark.parametrize(
    ("before", "regression"),
    [
        ([FINE, BIG_ROOT], True),
        ([FINE, BIG_ROOT, BIG_ROOT], True),
        ([FINE, OTHER_BIG_ROOT, BIG_ROOT], True),
        ([FINE, BIG_ROOT, OTHER_BIG_ROOT, BIG_ROOT], True),
        ([ROOT, FINE, BIG_ROOT], True),
        ([FINE, index([BIG_FINE, FINE_ON_ARM]), BIG_ROOT], True),
        ([ROOT, BIG_ROOT], False),
        ([FINE, ROOT, BIG_ROOT], True),
        ([BIG_ROOT], False),
        ([BIG_ROOT, BIG_ROOT], False),
        ([OTHER_BIG_ROOT, BIG_ROOT], False),
        ([FINE_ON_ARM, BIG_ROOT], False),
    ],
    ids=[
        "somebody else",
        "looked at twice",
        "two that cannot be read",
        "and back to the first",
        "root once, then somebody else",
        "an index in between",
        "root",
        "told of before",
        "never seen before",
        "never, looked at twice",
        "never, two of them",
        "another platform",
    ],
)
def test_what_it_ran_as_before_it_could_not_be_read(
    small: World, settings: Settings, before: list[Stored], regression: bool
) -> None:
    push(small, *before)
    earlier = told()
    raise_limits(settings)
    scan(small)
    found = root()
    assert (found.regression, found.rank) == (regression, 0 if regression else found.rank)
    expected = 1 if regression and ROOT not in before[1:] else 0
    assert told() - earlier == expected
    if expected:
        assert "ran as another user before" in found.events.latest("pk").text
    scan(small)
    assert told() - earlier == expected


def test_a_push_and_a_raised_limit_in_one_scan(small: World, settings: Settings) -> None:
    push(small, FINE, BIG_ROOT, OTHER_BIG_ROOT)
    raise_limits(settings)
    push(small, BIG_ROOT)
    assert (root().regression, told()) == (True, 1)


def test_what_is_read_as_somebody_else_is_none_and_the_next_push_may_be(small: World, settings: Settings) -> None:
    push(small, FINE, BIG_FINE)
    raise_limits(settings)
    scan(small)
    assert not Finding.objects.filter(rule="NR101").exists()
    push(small, BIG_ROOT)
    assert (root().regression, told()) == (True, 1)


def test_of_two_tags_the_one_that_ran_as_somebody_else(small: World, settings: Settings) -> None:
    push(small, FINE, BIG_ROOT)
    push(small, ROOT, BIG_ROOT, tag="2")
    raise_limits(settings)
    scan(small)
    shown = Occurrence.objects.filter(finding=root()).order_by("tag__name").values_list("tag__name", "regression")
    assert (list(shown), told()) == ([("1", True), ("2", False)], 1)


def test_two_tags_are_told_of_at_once(small: World, settings: Settings) -> None:
    push(small, FINE, BIG_ROOT)
    push(small, FINE, BIG_ROOT, tag="2")
    raise_limits(settings)
    scan(small)
    assert set(Occurrence.objects.filter(finding=root()).values_list("regression", flat=True)) == {True}
    assert told() == 1


def test_a_platform_of_an_index_that_fails_already(small: World, settings: Settings) -> None:
    """The tag begins to fail for one platform; of the other nobody can say so until later, and its verdict stays."""
    push(small, index([FINE, FINE_ON_ARM]), index([BIG_ROOT, ROOT_ON_ARM]))
    assert (root("linux/arm64").regression, told()) == (True, 1)
    raise_limits(settings)
    scan(small)
    assert (root().regression, told()) == (True, 2)
    scan(small)
    assert told() == 2


def test_a_platform_that_ran_as_root_says_nothing_of_another(small: World, settings: Settings) -> None:
    push(small, index([ROOT, FINE_ON_ARM]), index([BIG_ROOT, FINE_ON_ARM]))
    raise_limits(settings)
    scan(small)
    assert (root().regression, told()) == (False, 0)


def test_what_a_tag_leaves_unsaid(small: World) -> None:
    """A chart beside an image runs as nobody, and that is no gap."""
    push(small, index([BIG_ROOT, FINE_ON_ARM, helm_chart("shop", "1")]))
    row = small.tag("team/app")
    expected = Pointed(row.pk, None, row.index_id, unsaid=["linux/amd64"])
    assert shown_of(row) == expected
    assert unread_until_now([row.repository_id]) == [replace(expected, moved=False)]


@pytest.mark.parametrize("first", ["scan", "rejudge"])
@pytest.mark.parametrize(("before", "regression"), [(FINE, True), (ROOT, False)], ids=["somebody else", "root"])
def test_what_another_repository_has_it_read_for(
    small: World, settings: Settings, before: Stored, regression: bool, first: str
) -> None:
    """Judging again writes what was read elsewhere: whoever looks first says what it is, once."""
    push(small, before, BIG_ROOT)
    raise_limits(settings)
    small.layout.tag("team/else", TAG, BIG_ROOT)
    scan_only(small, [TAG], "team/else")
    assert (small.tag("team/app").verdict, Image.objects.get(digest=BIG_ROOT.digest).uid) == ("unknown", 0)
    if first == "rejudge":
        rejudge(clock=lambda: small.now)
        assert (root().regression, told()) == (regression, int(regression))
    scan(small)
    assert (root().regression, told()) == (regression, int(regression))


def test_other_rules_alone_announce_nothing(small: World, settings: Settings) -> None:
    """What a policy begins to ask for was so before, and what nobody could read is not read by judging it again."""
    push(small, FINE, BIG_ROOT)
    push(small, FINE, ROOT, tag="2")
    assert told() == 1
    change_policy(small, {"NR101": RuleSetting(enabled=False)})
    change_policy(small, {})
    assert told() == 1
    assert not Occurrence.objects.filter(finding=root(), tag__name=TAG).exists()
    raise_limits(settings)
    scan(small)
    shown = Occurrence.objects.filter(finding=root()).order_by("tag__name").values_list("tag__name", "regression")
    assert (list(shown), told()) == ([("1", True), ("2", False)], 2)
