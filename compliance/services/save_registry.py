"""Add or change a registry."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from compliance.models import Policy, Registry, User
from compliance.policy.registry_values import RegistryValues as RegistryValues
from compliance.services.assign_policies import reassign
from compliance.services.grade_repositories import grade_repositories

_LONGEST_SLUG = 50


def save_registry(
    values: RegistryValues, *, now: datetime, registry: Registry | None = None, by: User | None = None
) -> Registry:
    """Write a registry; a new one is due at once. Another policy has its repositories judged again.

    :param registry: the row to change; ``None`` makes one.
    :param by: who entered the credential.
    """
    row = registry or Registry(created_at=now, next_scan_at=now)
    protected, policy = tuple(row.protected_tags), row.policy_id
    row = apply_values(values, row)
    if values.password is not None:
        row.credential_set_at, row.credential_set_by = now, by
    with transaction.atomic():
        if not row.slug:
            row.slug = _free_slug(values.name)
        row.save()
        if protected != values.protected_tags:
            grade_repositories(row)
        if policy not in (None, row.policy_id):
            reassign(row, now=now)
    return row


def apply_values(values: RegistryValues, row: Registry) -> Registry:
    """Copy what was entered into a row without saving it.

    A stored password stays only while address and user name stay: whoever may edit a registry must not be able to
    have its password sent elsewhere.
    """
    moved = (row.url, row.username) != (values.url, values.username)
    if values.password is not None:
        row.password = values.password
    elif moved or not values.username:
        row.password = ""
    row.policy = Policy.objects.get(name=values.policy)
    row.token_hosts, row.protected_tags = list(values.token_hosts), list(values.protected_tags)
    for name in ("name", "url", "username", "verify_tls", "allow_private", "interval_minutes", "enabled"):
        setattr(row, name, getattr(values, name))
    return row


def _free_slug(name: str) -> str:
    wanted = slugify(name)[: _LONGEST_SLUG - 5] or "registry"
    taken = set(Registry.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 2) if (slug := wanted if n == 1 else f"{wanted}-{n}") not in taken)
