"""Add or change a registry."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from compliance.models import AuditAction, Policy, Registry, RegistryState, User
from compliance.models.registry import AuthMethod
from compliance.policy.registry_values import RegistryValues as RegistryValues
from compliance.services.assign_policies import reassign
from compliance.services.grade_repositories import grade_repositories
from compliance.services.protect_findings import protect_findings
from compliance.services.record_audit import audit
from compliance.services.request_scan import next_scan_of

_LONGEST_SLUG = 50
_SECRETS = ("password", "api_token", "client_key", "proxy")
_WHERE_SECRETS_GO = ("url", "username", "product", "auth_method", "token_hosts")
_COLUMNS = {field.name for field in Registry._meta.fields} - {*_SECRETS, "policy"}


def save_registry(
    values: RegistryValues, *, now: datetime, registry: Registry | None = None, by: User | None = None
) -> Registry:
    """Write a registry; a new one is due at once. Another policy has its repositories judged again.

    :param registry: the row to change; ``None`` makes one.
    :param by: who entered the credential.
    """
    row = registry or Registry(created_at=now, next_scan_at=now)
    protected, policy, schedule = tuple(row.protected_tags), row.policy_id, row.schedule
    secrets = {name: str(getattr(row, name)) for name in _SECRETS}
    row = apply_values(values, row)
    if values.password:
        row.credential_set_at, row.credential_set_by = now, by
    elif not row.password:
        row.credential_set_at = row.credential_set_by = None
    with transaction.atomic():
        if not row.slug:
            row.slug = _free_slug(values.name)
        if row.pk and row.schedule != schedule:
            row.next_scan_at = next_scan_of(row, now)
        row.save()
        changed = [name for name, before in secrets.items() if str(getattr(row, name)) != before]
        if changed:
            audit(AuditAction.SECRET_CHANGED, row, by=by, now=now, details={"secrets": changed})
        RegistryState.objects.get_or_create(registry=row)
        if protected != values.protected_tags:
            protect_findings(row, now=now)
            grade_repositories(row, now=now)
        if policy not in (None, row.policy_id):
            reassign(row, now=now)
    return row


def apply_values(values: RegistryValues, row: Registry) -> Registry:
    """Copy what was entered into a row without saving it.

    Stored secrets stay only while what says where they go stays: whoever may edit a registry must not be able to have
    them sent elsewhere.
    """
    moved = sends_secrets_elsewhere(values, row)
    for name in _SECRETS:
        entered = getattr(values, name)
        if entered is not None or moved:
            setattr(row, name, entered or "")
    if not values.username and values.auth_method == AuthMethod.PASSWORD:
        row.password = values.password or ""
    row.policy = Policy.objects.get(name=values.policy)
    for group in (values, values.scope, values.schedule):
        for name in _COLUMNS & {column.name for column in fields(group)}:
            value = getattr(group, name)
            setattr(row, name, list(value) if isinstance(value, tuple) else value)
    return row


def sends_secrets_elsewhere(values: RegistryValues, row: Registry) -> bool:
    """Whether what is stored would be shown to somebody it was not entered for, and is forgotten therefore."""
    return bool(values.proxy) or any(_plain(getattr(row, name)) != getattr(values, name) for name in _WHERE_SECRETS_GO)


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _free_slug(name: str) -> str:
    wanted = slugify(name)[: _LONGEST_SLUG - 5] or "registry"
    taken = set(Registry.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 2) if (slug := wanted if n == 1 else f"{wanted}-{n}") not in taken)
