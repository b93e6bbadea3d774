"""Policies that people change, and releases that must not undo it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compliance.models import Policy, PolicyVersion, User
from compliance.policy import document
from compliance.policy.document import InvalidPolicy, settings_of
from compliance.services.publish_policies import publish_policies, released
from compliance.services.save_policy import PolicyEdited, create_policy, save_policy
from scanner.domain.policy import RuleSetting
from scanner.policies import KUBERNETES, POLICIES
from tests.compliance.services.conftest import NOON
from tests.support.rows import user

pytestmark = pytest.mark.django_db

NEXT_RELEASE = replace(KUBERNETES, settings={**KUBERNETES.settings, "NR108": RuleSetting(fails=True)})


@pytest.fixture
def kubernetes() -> Policy:
    publish_policies(NOON)
    return Policy.objects.select_related("current").get(name="kubernetes")


def again(policy: Policy) -> PolicyVersion:
    current = Policy.objects.select_related("current").get(pk=policy.pk).current
    assert current is not None
    return current


def without(policy: Policy, rule: str) -> dict[str, Any]:
    written = again(policy).document
    return {**written, "rules": {**written["rules"], rule: {"enabled": False}}}


def save(policy: Policy, written: dict[str, Any], *, by: User | None = None, note: str = "") -> PolicyVersion:
    return save_policy(policy, written, based_on=again(policy).number, by=by, now=NOON, note=note)


def test_a_change_is_a_new_version_with_author_and_note(kubernetes: Policy) -> None:
    sam = user()
    version = save(kubernetes, without(kubernetes, "NR105"), by=sam, note="Names are fine here.")
    assert again(kubernetes) == version
    assert (version.number, version.edited, version.author) == (2, True, sam)
    assert (version.note, version.created_at) == ("Names are fine here.", NOON)
    assert version.document["rules"]["NR105"] == {
        "enabled": False,
        "fails": False,
        "severity": None,
        "threshold": None,
    }


def test_nothing_changed_makes_no_version(kubernetes: Policy) -> None:
    assert save(kubernetes, again(kubernetes).document) == again(kubernetes)
    assert kubernetes.versions.count() == 1


def test_the_title_is_part_of_it(kubernetes: Policy) -> None:
    save(kubernetes, {**again(kubernetes).document, "title": "Ours"})
    assert Policy.objects.get(name="kubernetes").title == "Ours"


def test_two_people_who_edit_the_same_version(kubernetes: Policy) -> None:
    save(kubernetes, without(kubernetes, "NR105"))
    with pytest.raises(PolicyEdited) as caught:
        save_policy(kubernetes, without(kubernetes, "NR101"), based_on=1, by=None, now=NOON)
    assert caught.value.number == 2
    assert kubernetes.versions.count() == 2


def test_what_is_wrong_is_not_saved(kubernetes: Policy) -> None:
    with pytest.raises(InvalidPolicy):
        save(kubernetes, without(kubernetes, "NR999"))
    assert kubernetes.versions.count() == 1


def test_a_release_does_not_overwrite_what_people_chose(kubernetes: Policy) -> None:
    mine = save(kubernetes, without(kubernetes, "NR105"))
    assert publish_policies(NOON, [NEXT_RELEASE]) == []
    assert again(kubernetes) == mine
    offered = released(kubernetes)
    assert offered is not None
    assert (offered.number, offered.document["rules"]["NR108"]["fails"]) == (3, True)
    assert publish_policies(NOON, [NEXT_RELEASE]) == []
    assert kubernetes.versions.count() == 3


def test_who_takes_the_offer_follows_releases_again(kubernetes: Policy) -> None:
    save(kubernetes, without(kubernetes, "NR105"))
    publish_policies(NOON, [NEXT_RELEASE])
    offered = released(kubernetes)
    assert offered is not None
    taken = save(kubernetes, offered.document)
    assert (taken.number, taken.edited) == (4, False)
    assert publish_policies(NOON, [KUBERNETES]) == ["kubernetes"]
    assert settings_of(again(kubernetes).document) == settings_of(document.policy_document(KUBERNETES))


def test_rules_that_answer_otherwise_are_a_new_version_of_edited_policies_too(
    kubernetes: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = save(kubernetes, without(kubernetes, "NR105"))
    copy = create_policy("ours", "Ours", like=kubernetes, by=None, now=NOON)
    monkeypatch.setattr(document, "REVISION", 10_000)
    assert set(publish_policies(NOON)) == {*(policy.name for policy in POLICIES), "ours"}
    assert publish_policies(NOON) == []
    for policy in (kubernetes, copy):
        current = again(policy)
        assert (current.edited, current.document["revision"]) == (True, 10_000)
    assert settings_of(again(kubernetes).document) == settings_of(mine.document)


def test_a_copy_has_the_settings_under_another_name(kubernetes: Policy) -> None:
    save(kubernetes, without(kubernetes, "NR105"))
    copy = create_policy("team-a", "Team A", like=Policy.objects.get(name="kubernetes"), by=user(), now=NOON)
    version = again(copy)
    assert (copy.title, version.number, version.edited) == ("Team A", 1, True)
    assert version.document["name"] == "team-a"
    assert version.document["rules"] == again(kubernetes).document["rules"]
    assert publish_policies(NOON) == []


@pytest.mark.parametrize("name", ["kubernetes", "Team A", "", "-", "a" * 51])
def test_a_copy_needs_a_name_of_its_own(kubernetes: Policy, name: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        create_policy(name, "Mine", like=kubernetes, by=None, now=NOON)
    assert list(caught.value.errors) == ["name"]
