"""Who comes by single sign-on, and with which groups they did last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef

from compliance.models import User

_COUNT = """
SELECT each.name, count(*) FROM socialaccount_socialaccount account
JOIN compliance_user person ON person.id = account.user_id AND person.is_active
CROSS JOIN LATERAL jsonb_array_elements_text(account.extra_data -> 'groups') each(name)
WHERE account.provider = %s AND each.name = ANY(%s) GROUP BY each.name
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """How somebody is known to the provider.

    :param last: when they last came by it, and with which ``groups``.
    """

    since: datetime
    last: datetime
    groups: Sequence[str]


def is_connected(person: User) -> bool:
    """Whether somebody can come by the provider there is now."""
    return connection_of(person) is not None


def connection_of(person: User) -> Connection | None:
    """What is known of it; no query where single sign-on is not set up."""
    if settings.SINGLE_SIGN_ON is None:
        return None
    row = SocialAccount.objects.filter(user=person, provider=settings.SINGLE_SIGN_ON.issuer).first()
    return row and Connection(row.date_joined, row.last_login, tuple(row.extra_data.get("groups", ())))


def in_group(group: str) -> Exists:
    """Whether somebody came with a group, the last time."""
    wanted = settings.SINGLE_SIGN_ON
    rows = SocialAccount.objects.filter(user=OuterRef("pk"), provider=wanted.issuer if wanted else "")
    return Exists(rows.filter(extra_data__groups__contains=[group]))


def people_with(groups: Iterable[str]) -> Mapping[str, int]:
    """How many active people came with each of some groups, the last time."""
    wanted = settings.SINGLE_SIGN_ON
    if wanted is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [wanted.issuer, list(groups)])
        return dict(cursor.fetchall())
