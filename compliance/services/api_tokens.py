"""Make, take and end API tokens. A secret is told once, to whoever made it; only its digest is stored."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from django.db import transaction
from django.db.models import Q

from compliance.models import ApiToken, AuditAction, ScopeChoice, TokenState, User
from compliance.policy.bearer import RANDOM_BYTES, digest_of, prefix_of, spelled
from compliance.queries.factor_rule import lacks_factor
from compliance.services.record_audit import audit

MOST_TOKENS: Final = 20
"""Of one person that have not ended."""

LONGEST_DAYS: Final = 365
_USE_IS_KEPT_FOR: Final = timedelta(minutes=1)


class CannotMake(Exception):
    """There are as many as there may be, or it was made already; the message says so to a person."""


class Refused(Enum):
    """Why a token is not taken."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    INACTIVE = "inactive"
    NO_FACTOR = "no_factor"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that somebody asks for.

    :param days: how long it is taken, at most ``LONGEST_DAYS``.
    :param stamp: of the page it was asked on; asked again from there, nothing is made.
    """

    name: str
    scopes: Collection[ScopeChoice]
    days: int
    stamp: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token and its secret, which nobody can read again."""

    token: ApiToken
    secret: str = field(repr=False)


def stamp_of(person: User) -> str:
    """What a form carries, so that sending it twice does not make two tokens."""
    return str(person.api_tokens.order_by("-pk").values_list("pk", flat=True).first() or 0)


def make_token(person: User, wanted: Wanted, *, now: datetime) -> NewToken:
    """Make a token of one's own.

    :raises CannotMake: in words, when there are enough, this form made one already, or its person was deactivated.
    """
    prefix = prefix_of(secrets.token_hex(3))
    secret = spelled(prefix, secrets.token_urlsafe(RANDOM_BYTES))
    with transaction.atomic():
        # One at a time for each person, or two requests at once would both find room.
        if not User.objects.select_for_update().filter(pk=person.pk, is_active=True).values_list("pk").first():
            raise CannotMake("Who may not log in makes no tokens.")
        if wanted.stamp != stamp_of(person):
            raise CannotMake("This was done already. A secret is shown once: make another token to get another one.")
        if person.api_tokens.active(now).count() >= MOST_TOKENS:
            raise CannotMake(f"There can be {MOST_TOKENS} tokens; revoke one first.")
        token = ApiToken.objects.create(
            user_id=person.pk,
            name=wanted.name,
            scopes=[str(scope) for scope in ScopeChoice if scope in wanted.scopes],
            prefix=prefix,
            digest=digest_of(secret),
            created_at=now,
            expires_at=now + timedelta(days=min(wanted.days, LONGEST_DAYS)),
        )
        audit(AuditAction.SECRET_SHOWN, token, by=person, now=now)
    return NewToken(token, secret)


def revoke_tokens(person: User, *, now: datetime, only: int | None = None) -> int:
    """End somebody's tokens at once; how many. Who asked for it is told to the connection.

    :param only: the one with this id, if it is theirs.
    """
    rows = ApiToken.objects.filter(user_id=person.pk, revoked_at=None)
    return (rows.filter(expires_at__gt=now) if only is None else rows.filter(pk=only)).update(revoked_at=now)


def find_token(secret: str, *, now: datetime) -> ApiToken | Refused:
    """The token of a secret with its person, or why it is not taken.

    It is looked up by its digest: how long that takes says nothing of the secret, since nobody can choose digests.
    """
    rows = ApiToken.objects.select_related("user").annotate(is_held=lacks_factor("user__pk", "user__role"))
    token = rows.filter(digest=digest_of(secret)).first() if secret else None
    if token is None:
        return Refused.UNKNOWN
    match token.state(now):
        case TokenState.REVOKED:
            return Refused.REVOKED
        case TokenState.EXPIRED:
            return Refused.EXPIRED
        case _:
            if not token.user.is_active:
                return Refused.INACTIVE
            return Refused.NO_FACTOR if vars(token)["is_held"] else token


def note_use(token: ApiToken, address: str, *, now: datetime) -> None:
    """Keep when and from where it was used last, at most once a minute: a program asks all the time."""
    before = now - _USE_IS_KEPT_FOR
    if token.last_used_at is not None and token.last_used_at > before:
        return
    # Asked again, for those who come at one moment.
    due = Q(last_used_at=None) | Q(last_used_at__lte=before)
    ApiToken.objects.filter(due, pk=token.pk).update(last_used_at=now, last_used_ip=address)
