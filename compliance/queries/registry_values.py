"""A saved registry as values: what policies, forms and pages read. Secrets are not among them."""

from __future__ import annotations

from datetime import datetime

from compliance.models import Registry
from compliance.policy.registry_values import RegistryValues
from compliance.policy.scan_scope import ScanScope
from compliance.policy.schedule import Schedule, next_scan, schedule_problems, schedule_sentence


def values_of(row: Registry) -> RegistryValues:
    """Everything but its secrets, which stay ``None``: unchanged."""
    return RegistryValues(
        name=row.name,
        url=row.url,
        policy=row.policy.name,
        product=row.product,
        namespaces=tuple(row.namespaces),
        entered_repositories=tuple(row.entered_repositories),
        auth_method=row.auth_method,
        username=row.username,
        verify_tls=row.verify_tls,
        allow_private=row.allow_private,
        token_hosts=tuple(row.token_hosts),
        extra_ca=row.extra_ca,
        client_certificate=row.client_certificate,
        protected_tags=tuple(row.protected_tags),
        scope=scope_of(row),
        schedule=row.schedule,
        connections=row.connections,
        requests_per_minute=row.requests_per_minute,
        enabled=row.enabled,
        environment=row.environment,
    )


def scope_of(row: Registry) -> ScanScope:
    """What of it is scanned."""
    return ScanScope(
        tuple(row.include_repositories),
        tuple(row.exclude_repositories),
        tuple(row.include_tags),
        tuple(row.exclude_tags),
        row.newest_tags,
        row.pushed_within_days,
        tuple(row.platforms),
    )


def schedule_words(row: Registry) -> str:
    """When it is scanned, in words; a stored schedule may have become unreadable, for example with its zone."""
    if not row.enabled:
        return "switched off"
    return "cannot be read" if schedule_problems(row.schedule) else schedule_sentence(row.schedule)


def upcoming(schedule: Schedule, after: datetime, seed: str, *, most: int = 3) -> tuple[datetime, ...]:
    """The next times a scan begins by itself; none for a schedule that cannot be read."""
    found: list[datetime] = []
    while len(found) < most and not schedule_problems(schedule):
        due = next_scan(schedule, found[-1] if found else after, seed)
        if due is None:
            break
        found.append(due)
    return tuple(found)
