from __future__ import annotations

import json
from typing import Any

import pytest

from compliance.policy.document import InvalidPolicy, policy_document, read_policy
from scanner.domain.policy import Policy
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
