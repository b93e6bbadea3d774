"""Somebody's API tokens and what has become of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, F, Value, When

from compliance.models import ApiToken, ScopeChoice, TokenState, User
from compliance.queries.paging import Paging, page_of

SCOPES: dict[str, str] = {str(scope): str(scope.label) for scope in ScopeChoice}
_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token.

    :param soon: whether it expires within 14 days.
    :param address: where it was used last; empty where nobody knows.
    """

    id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    state: str
    state_label: str
    soon: bool
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    address: str


@dataclass(frozen=True, slots=True)
class TokensPage:
    """One page of them; ``active``: how many are taken, on all pages."""

    rows: tuple[TokenRow, ...]
    paging: Paging
    active: int


def tokens_page(person: User, params: Mapping[str, str], *, now: datetime) -> TokensPage:
    """Those that are taken, the first to expire first; then those that have ended: three queries."""
    all_of = ApiToken.objects.filter(user=person.pk)
    active = all_of.active(now).count()
    paging = page_of(params.get("page", ""), all_of.count())
    is_active = When(revoked_at=None, expires_at__gt=now, then=F("expires_at"))
    in_order = all_of.order_by(Case(is_active, default=Value(None)).asc(nulls_last=True), "-created_at", "-pk")
    rows = in_order[paging.offset : paging.offset + paging.size]
    return TokensPage(tuple(_row(row, now) for row in rows), paging, active)


def active_tokens(person: User, *, now: datetime) -> tuple[TokenRow, ...]:
    """Those that are taken: no more than ``MOST_TOKENS``, one query."""
    rows = ApiToken.objects.filter(user=person.pk).active(now).order_by("expires_at", "pk")
    return tuple(_row(row, now) for row in rows)


def _row(row: ApiToken, now: datetime) -> TokenRow:
    state = row.state(now)
    return TokenRow(
        row.pk,
        row.name,
        row.prefix,
        tuple(row.scopes),
        str(state),
        str(state.label),
        state is TokenState.ACTIVE and row.expires_at - now <= _SOON,
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.last_used_at,
        "" if row.last_used_ip in (None, "::") else str(row.last_used_ip),
    )
