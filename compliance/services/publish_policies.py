"""Write the shipped policies as rows; a changed one becomes a new version, and its repositories are judged again.

What people have chosen stays: where the current version of a policy is *edited*, the release's own new version is
stored beside it, for the page to offer, and does not count. Rules that answer otherwise than before (``REVISION``)
make a new version of every policy, edited or not, with the settings it has: the numbers of a trend changed that day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from compliance.models import Policy, PolicyVersion
from compliance.policy.document import policy_document, settings_of, with_revision
from compliance.services.request_rejudge import request_rejudge
from scanner.domain import policy as domain
from scanner.policies import POLICIES

_NEW_RULES = "The rules of a release answer otherwise; the settings are those of the version before."
_OFFERED = "The release's own settings; not current, because people have chosen others."


def publish_policies(now: datetime, policies: Sequence[domain.Policy] = POLICIES) -> list[str]:
    """Make missing policies and versions; return the names of those that are judged otherwise now."""
    named = {policy.name: policy for policy in policies}
    others = Policy.objects.exclude(name__in=named).order_by("name").values_list("name", flat=True)
    changed = [policy.name for policy in policies if _publish(policy, now)]
    return changed + [name for name in others if _keep_up(name, now)]


def released(policy: Policy) -> PolicyVersion | None:
    """The newest version with the settings of a release; ``None`` for a policy that people made."""
    return PolicyVersion.objects.filter(policy=policy, edited=False).order_by("-number").first()


def add_version(
    row: Policy, document: Mapping[str, Any], *, now: datetime, current: bool = True, **columns: Any
) -> PolicyVersion:
    """Append a version to a policy whose row the caller holds; a current one has its repositories judged again."""
    last = row.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = PolicyVersion.objects.create(policy=row, number=last + 1, document=document, created_at=now, **columns)
    if current:
        row.current, row.title = version, document["title"]
        row.save(update_fields=["current", "title"])
        request_rejudge([row.pk], now=now)
    return version


def lock_policy(name: str) -> Policy:
    """A policy's row with its current version, held until the transaction ends."""
    return Policy.objects.select_for_update(of=("self",)).select_related("current").get(name=name)


def _publish(policy: domain.Policy, now: datetime) -> bool:
    document = policy_document(policy)
    with transaction.atomic():
        Policy.objects.get_or_create(name=policy.name, defaults={"title": policy.title})
        row = lock_policy(policy.name)
        if row.current is None or not row.current.edited:
            if row.current is not None and row.current.document == document:
                return False
            add_version(row, document, now=now)
            return True
        shipped = released(row)
        if shipped is None or settings_of(shipped.document) != settings_of(document):
            add_version(row, document, now=now, current=False, note=_OFFERED)
    return _keep_up(policy.name, now)


def _keep_up(name: str, now: datetime) -> bool:
    """Give a policy that stays as it is the revision of the rules."""
    with transaction.atomic():
        row = lock_policy(name)
        if row.current is None:
            return False
        document = with_revision(row.current.document)
        if document == row.current.document:
            return False
        add_version(row, document, now=now, edited=row.current.edited, note=_NEW_RULES)
    return True
