"""Label the repositories of findings, with an undo: what the inbox does to many of them at once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from compliance.models import BulkChange, Repository, SharedValue, User
from compliance.models.bulk import among
from compliance.models.finding import FindingQuerySet
from compliance.models.shared_value import relabel_key
from compliance.policy.labels import Relabel
from compliance.remediation.change import LABEL, RELABELS, UNLABEL, InvalidChange
from compliance.services.change_findings import UNDO_WITHIN, CountChanged, Undone, undo
from compliance.services.label_repositories import label_repositories


def label_homes(
    findings: FindingQuerySet, change: Relabel, *, by: User, now: datetime, expected: int | None = None
) -> BulkChange:
    """Change the labels of all repositories of these, or of none; ``count`` says of how many they were not so already.

    :param expected: how many findings somebody saw when they asked for it.
    :raises MayNotLabel: when a repository is not theirs to label.
    :raises InvalidLabel: in words, when one of them would have too many.
    :raises CountChanged: when there are more or fewer findings than expected.
    """
    with transaction.atomic():
        homes = Repository.objects.filter(pk__in=findings.order_by().values("repository"))
        done = label_repositories(homes, change, by=by)
        # Scans hold repositories while they write findings: of those that are held nothing changes any more.
        if expected is not None and (actual := findings.count()) != expected:
            raise CountChanged(actual)
        action = LABEL if change.add else UNLABEL
        bulk = BulkChange.objects.create(by=by, at=now, action=action, count=len(done.changed))
        said = {"add": sorted(change.add), "remove": sorted(change.remove), "ids": done.changed}
        SharedValue.objects.create(key=relabel_key(bulk.pk), value=said, expires_at=now + UNDO_WITHIN)
    return bulk


def undo_change(bulk_id: int, *, by: User, now: datetime) -> Undone:
    """Take back what one click did, to findings or to the labels of their repositories.

    :raises BulkChange.DoesNotExist: when there is no such change of this person.
    :raises InvalidChange: in words, when it cannot be undone any more.
    :raises NotAllowed: when the person may not change one of the findings any more.
    :raises MayNotLabel: when a repository is not theirs to label any more.
    """
    if BulkChange.objects.get(pk=bulk_id, by=by).action not in RELABELS:
        return undo(bulk_id, by=by, now=now)
    with transaction.atomic():
        bulk = BulkChange.objects.select_for_update(of=("self",)).get(pk=bulk_id, by=by)
        if bulk.undone_at is not None:
            raise InvalidChange("It was undone already.")
        rows = SharedValue.objects.filter(pk=relabel_key(bulk.pk), expires_at__gt=now)
        said = rows.values_list("value", flat=True).first()
        if said is None:
            raise InvalidChange("It can be undone for ten minutes only.")
        back = Relabel(frozenset(said["add"]), frozenset(said["remove"])).undone
        changed = Repository.objects.filter(among("pk", said["ids"]))
        restored = label_repositories(changed, back, by=by, only_where_room=True).changed
        bulk.undone_at = now
        bulk.save(update_fields=["undone_at"])
    return Undone(len(restored), len(said["ids"]) - len(restored))
