"""Delete a registry with its repositories, tags, changes, snapshots, scans and pushes, and what is for it alone.

Images, layers and facts stay: they belong to their digests, which other registries may hold too. One statement a table,
because a registry of a million tags must not be read into memory to be forgotten.
"""

from __future__ import annotations

import logging
from typing import Final

from django.db import connection, transaction

from compliance.models import ACTIVE, OwnershipRule, Registry, RepositoryScan, Scan, State, User, Waiver

logger = logging.getLogger(__name__)

_OF_FINDINGS: Final = ("occurrence", "findingevent", "findingspan")
_OF_REPOSITORIES: Final = (
    *("finding", "scanerror", "repositoryscan", "tagchange", "dailysnapshot", "tag", "watch", "labelset"),
)
_OF_SCANS: Final = ("scanerror", "repositoryscan")
_OF_THE_REGISTRY: Final = (
    *("push", "inboundevent", "webhookendpoint", "repository", "scan", "policyassignment", "registrystate", "fleetday"),
)
_DELETE_OF_FINDINGS: Final = """
DELETE FROM compliance_{table} x USING compliance_finding f, compliance_repository r
WHERE x.finding_id = f.id AND f.repository_id = r.id AND r.registry_id = %s
"""
_CLOSED_DAYS_TOO: Final = "SELECT set_config('plimsoll.deleted_registry', %s, true)"


def delete_registry(registry: Registry, *, by: User | None) -> None:
    """Delete it at once; workers that scan it lose their leases and write no more."""
    with transaction.atomic(), connection.cursor() as cursor:
        _withdraw(registry)
        cursor.execute(_CLOSED_DAYS_TOO, [str(registry.pk)])
        for table in _OF_FINDINGS:
            cursor.execute(_DELETE_OF_FINDINGS.format(table=table), [registry.pk])
        for table in _OF_REPOSITORIES:
            _delete(cursor, table, "repository", registry)
        for table in _OF_SCANS:
            _delete(cursor, table, "scan", registry)
        for table in _OF_THE_REGISTRY:
            cursor.execute(f"DELETE FROM compliance_{table} WHERE registry_id = %s", [registry.pk])  # noqa: S608  # the tables are those above
        for model in (OwnershipRule, Waiver):  # few, and others of them may refer to them
            model._default_manager.filter(registry=registry).delete()
        cursor.execute("DELETE FROM compliance_registry WHERE id = %s", [registry.pk])
    logger.warning("registry %s was deleted by %s", registry.slug, by.get_username() if by else "a command")


def _withdraw(registry: Registry) -> None:
    """First, so that no worker adds a row to a table that is done with."""
    # Whoever approves or ends a waiver holds it before the repositories; scans, which refer to it, hold those.
    waivers = Waiver.objects.filter(registry=registry).order_by("pk")
    list(waivers.select_for_update(no_key=True).values_list("pk"))
    Registry.objects.select_for_update().get(pk=registry.pk)
    scans = Scan.objects.filter(registry=registry)
    ended = {"state": State.CANCELLED, "lease_token": None, "lease_until": None}
    scans.filter(state__in=ACTIVE).update(**ended)
    RepositoryScan.objects.filter(scan__in=scans, state__in=ACTIVE).update(**ended)


def _delete(cursor: object, table: str, through: str, registry: Registry) -> None:
    statement = (
        f"DELETE FROM compliance_{table} x USING compliance_{through} t "  # noqa: S608  # the tables are those above
        f"WHERE x.{through}_id = t.id AND t.registry_id = %s"
    )
    cursor.execute(statement, [registry.pk])  # type: ignore[attr-defined]  # Django's cursors have no common type
