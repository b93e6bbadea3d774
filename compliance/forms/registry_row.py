"""A saved registry as the form shows it. Secrets are not among it."""

from __future__ import annotations

from typing import Final

from compliance.models import Registry
from compliance.models.registry import AuthMethod

ANONYMOUS: Final = "anonymous"
INTERVAL, CRON, NEVER = "interval", "cron", "never"
_AS_THEY_ARE: Final = (
    *("name", "url", "product", "namespaces", "entered_repositories", "username", "token_hosts", "verify_tls"),
    *("allow_private", "extra_ca", "client_certificate", "include_repositories", "exclude_repositories"),
    *("include_tags", "exclude_tags", "newest_tags", "pushed_within_days", "platforms", "cron", "time_zone"),
    *("protected_tags", "quiet_from", "quiet_until", "connections", "requests_per_minute", "enabled"),
    "environment",
)


def initial_of(row: Registry) -> dict[str, object]:
    """What the form begins with when a registry is edited."""
    return {
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        "auth_method": _method(row),
        "policy": row.policy.name,
        "when": CRON if row.cron else INTERVAL if row.interval_minutes else NEVER,
        "interval_minutes": row.interval_minutes if row.interval_minutes or row.cron else 60,
    }


def _method(row: Registry) -> str:
    """A password without a user name is none."""
    return ANONYMOUS if row.auth_method == AuthMethod.PASSWORD and not row.username else row.auth_method
