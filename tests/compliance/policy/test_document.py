from __future__ import annotations

import json
from typing import Any

import pytest

from compliance.policy.document import (
    InvalidPolicy,
    check_document,
    policy_document,
    read_policy,
    settings_of,
    with_revision,
)
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.verdict import Severity
from scanner.policies import POLICIES


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_a_shipped_policy_survives_json(policy: Policy) -> None:
    assert read_policy(json.loads(json.dumps(policy_document(policy)))) == policy


@pytest.mark.parametrize(
    "damage",
    [
        {"rules": None},
        {"rules": {"NR101": {}}},
        {"rules": {"NR101": {"enabled": "yes", "fails": True, "severity": None, "threshold": None}}},
        {"rules": {"NR101": {"enabled": True, "fails": True, "severity": "grave", "threshold": None}}},
        {"rules": {"NR101": {"enabled": True, "fails": True, "severity": None, "threshold": "7"}}},
        {"fails_at": "grave"},
    ],
)
def test_a_damaged_document_is_refused(damage: dict[str, Any]) -> None:
    document = {**policy_document(POLICIES[0]), **damage}

    with pytest.raises(InvalidPolicy):
        read_policy(document)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_a_shipped_policy_is_what_a_person_may_enter(policy: Policy) -> None:
    assert check_document(policy_document(policy)) == policy


def test_parts_that_are_not_entered_are_the_usual() -> None:
    entered = {"name": "mine", "title": "Mine", "rules": {"NR101": {}, "NR107": {"threshold": 500}}}
    usual = {"NR101": RuleSetting(), "NR107": RuleSetting(threshold=500)}
    assert check_document(entered) == Policy("mine", "Mine", usual)


@pytest.mark.parametrize(
    ("entered", "fields"),
    [
        ({}, []),
        ({"name": "Mine"}, ["name"]),
        ({"name": "-mine"}, ["name"]),
        ({"name": None, "title": ""}, ["name", "title"]),
        ({"title": " "}, ["title"]),
        ({"title": "a\x00b"}, ["title"]),
        ({"title": "a" * 201}, ["title"]),
        ({"fails_at": "grave"}, ["fails_at"]),
        ({"fails_at": ["high"]}, ["fails_at"]),
        ({"rules": None}, ["rules"]),
        ({"rules": ["NR101"]}, ["rules"]),
        ({"rules": {"NR999": {}}}, ["NR999"]),
        ({"rules": {"nr101": {}}}, ["nr101"]),
        ({"rules": {"NR101": None}}, ["NR101"]),
        ({"rules": {"NR101": {"on": True}}}, ["NR101"]),
        ({"rules": {"NR101": {"enabled": 1}}}, ["NR101"]),
        ({"rules": {"NR101": {"fails": "yes"}}}, ["NR101"]),
        ({"rules": {"NR101": {"severity": "grave"}}}, ["NR101.severity"]),
        ({"rules": {"NR101": {"severity": {}}}}, ["NR101.severity"]),
        ({"rules": {"NR101": {"threshold": 5}}}, ["NR101.threshold"]),
        ({"rules": {"NR107": {"threshold": -1}}}, ["NR107.threshold"]),
        ({"rules": {"NR107": {"threshold": True}}}, ["NR107.threshold"]),
        ({"rules": {"NR107": {"threshold": "500"}}}, ["NR107.threshold"]),
        ({"rules": {"NR107": {"threshold": 2**31}}}, ["NR107.threshold"]),
        ({"rules": {"NR501": {"fails": True}}}, ["NR501.fails"]),
        ({"fails_at": "x", "rules": {"NR1": {}, "NR107": {"threshold": 1.5}}}, ["NR1", "NR107.threshold", "fails_at"]),
    ],
)
def test_what_is_wrong_is_said_field_by_field(entered: dict[str, Any], fields: list[str]) -> None:
    document = {**policy_document(POLICIES[0]), **entered}
    try:
        check_document(document)
        errors = {}
    except InvalidPolicy as error:
        errors = error.errors
    assert sorted(errors) == sorted(fields)
    assert all(message.endswith(".") for message in errors.values())


def test_a_stored_policy_may_name_rules_that_are_gone() -> None:
    document = policy_document(Policy("old", "Old", {"NR999": RuleSetting(severity=Severity.LOW)}))
    assert "NR999" in read_policy(document).settings


def test_the_revision_is_no_setting() -> None:
    old = {**policy_document(POLICIES[0]), "revision": 1}
    assert settings_of(old) == settings_of(policy_document(POLICIES[0]))
    assert with_revision(old) == policy_document(POLICIES[0])
