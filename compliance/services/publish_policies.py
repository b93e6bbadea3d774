"""Write the shipped policies as rows; a changed one becomes a new version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from compliance.models import Policy, PolicyVersion
from compliance.policy.document import policy_document
from scanner.domain import policy as domain
from scanner.policies import POLICIES


def publish_policies(now: datetime, policies: Sequence[domain.Policy] = POLICIES) -> list[str]:
    """Make missing policies and versions; return the names of those that changed."""
    return [policy.name for policy in policies if _publish(policy, now)]


def _publish(policy: domain.Policy, now: datetime) -> bool:
    document = policy_document(policy)
    with transaction.atomic():
        Policy.objects.get_or_create(name=policy.name, defaults={"title": policy.title})
        row = Policy.objects.select_for_update(of=("self",)).select_related("current").get(name=policy.name)
        if row.current is not None and row.current.document == document:
            return False
        number = 1 if row.current is None else row.current.number + 1
        row.current = PolicyVersion.objects.create(policy=row, number=number, document=document, created_at=now)
        row.title = policy.title
        row.save(update_fields=["current", "title"])
    return True
