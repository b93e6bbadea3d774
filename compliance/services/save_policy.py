"""Change a policy, or make one: every change is a new version, and its repositories are judged again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from compliance.models import Policy, PolicyVersion, User
from compliance.policy.document import InvalidPolicy, check_document, policy_document, settings_of
from compliance.services.publish_policies import add_version, lock_policy, released


class PolicyEdited(Exception):
    """Somebody saved another version since this one was opened; ``number`` is theirs."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Version {number} was saved meanwhile.")
        self.number = number


def save_policy(
    policy: Policy, document: Mapping[str, Any], *, based_on: int, by: User | None, now: datetime, note: str = ""
) -> PolicyVersion:
    """Write a new version where the settings differ, else return the current one.

    The work it makes is found by ``waiting_rejudgings``. The settings of the newest release may be taken back in this
    way: then releases change the policy again.

    :param based_on: the number of the version that was edited.
    :raises InvalidPolicy: when the document does not say what a policy says.
    :raises PolicyEdited: when another version is current by now.
    """
    wanted = policy_document(check_document({**document, "name": policy.name}))
    with transaction.atomic():
        row = lock_policy(policy.name)
        current = row.current
        if current is not None and current.number != based_on:
            raise PolicyEdited(current.number)
        if current is not None and current.document == wanted:
            return current
        shipped = released(row)
        edited = shipped is None or settings_of(shipped.document) != settings_of(wanted)
        return add_version(row, wanted, now=now, edited=edited, author=by, note=note[:500])


def create_policy(name: str, title: str, *, like: Policy, by: User | None, now: datetime) -> Policy:
    """Make a policy with the settings another one has now.

    :raises InvalidPolicy: when the name is taken or is no name, or the other policy has no version.
    """
    if like.current is None:
        raise InvalidPolicy({"like": "This policy has no version to copy."})
    document = policy_document(check_document({**like.current.document, "name": name, "title": title}))
    try:
        with transaction.atomic():
            row = Policy.objects.create(name=name, title=title)
            add_version(row, document, now=now, edited=True, author=by, note=f"A copy of {like.current}.")
    except IntegrityError as error:
        raise InvalidPolicy({"name": f"There is a policy {name} already."}) from error
    return row
