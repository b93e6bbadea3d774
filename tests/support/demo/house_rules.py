"""The company's own policy: that of Kubernetes for one team's repositories, made stricter while the story goes on.

Nothing in the team's images changes that day, so the charts have to say that the rules did.
"""

from __future__ import annotations

from datetime import datetime

from compliance.models import Policy, Registry
from compliance.services.assign_policies import assign_policy
from compliance.services.rejudge import finish_rejudgings
from compliance.services.save_policy import create_policy, save_policy

NAME = "platform-team"
PATTERN = "platform/*"
STRICTER_FROM = 36
_RULE = "NR402"


def keep_house_rules(registry: Registry, day: int, *, now: datetime) -> None:
    """Bring the policy to where it is on that day of the story; what is there already stays."""
    policy = Policy.objects.filter(name=NAME).first() or _make(registry, now)
    if day >= STRICTER_FROM:
        _tighten(policy, now)
    finish_rejudgings(clock=lambda: now)


def _make(registry: Registry, now: datetime) -> Policy:
    like = Policy.objects.select_related("current").get(name="kubernetes")
    policy = create_policy(NAME, "The platform team's own rules", like=like, by=None, now=now)
    assign_policy(PATTERN, policy, registry=registry, by=None, now=now)
    return policy


def _tighten(policy: Policy, now: datetime) -> None:
    current = policy.versions.order_by("number").last()
    if current is None or current.number > 1:
        return
    rule = {
        **current.document["rules"].get(_RULE, {"enabled": True, "severity": None, "threshold": None}),
        "fails": True,
    }
    document = {**current.document, "rules": {**current.document["rules"], _RULE: rule}}
    note = "After the incident of last week: no set-user-id programs in what we run."
    save_policy(policy, document, based_on=current.number, by=None, now=now, note=note)
