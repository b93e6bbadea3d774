"""Findings of a registry whose protected tags were changed: which are on one, and when they are due."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from compliance.models import Finding, Registry, Repository
from compliance.models.bulk import update_rows
from compliance.policy.protected_tags import patterns_regex
from compliance.remediation.sla import term_from
from compliance.services.finding_facts import settle_spans
from compliance.services.write_findings import due_of, sla_terms

_AT_A_TIME = 2_000
_DIFFER = """
SELECT f.id FROM compliance_finding f JOIN compliance_repository r ON r.id = f.repository_id
WHERE r.registry_id = %s AND f.status <> 'fixed' AND f.protected <> EXISTS (
    SELECT FROM compliance_occurrence o JOIN compliance_tag t ON t.id = o.tag_id
    WHERE o.finding_id = f.id AND t.name ~ %s)
ORDER BY f.id
"""
_NO_TAG = "^$"


def protect_findings(registry: Registry, *, now: datetime) -> int:
    """Write what differs, inside the caller's transaction that changed them; return of how many findings."""
    # In the order of scans. Whoever reconciles after us sees the new patterns, whoever came before is seen by us.
    list(Repository.objects.filter(registry=registry).order_by("pk").select_for_update().values_list("pk"))
    with connection.cursor() as cursor:
        pattern = patterns_regex(registry.protected_tags) if registry.protected_tags else _NO_TAG
        cursor.execute(_DIFFER, [registry.pk, pattern])
        ids = [pk for (pk,) in cursor.fetchall()]
    terms = sla_terms()
    for start in range(0, len(ids), _AT_A_TIME):
        rows = list(Finding.objects.filter(pk__in=ids[start : start + _AT_A_TIME]).order_by("pk").select_for_update())
        for row in rows:
            was, became = (row.rank, row.protected), (row.rank, not row.protected)
            row.protected, row.changed_at = not row.protected, now
            row.sla_from = term_from(was, became, row.sla_from, row.opened_at, terms, now)
            if not row.due_edited:
                row.due_at = due_of(row, terms)
        update_rows(rows, ("protected", "sla_from", "due_at", "changed_at"))
        settle_spans([row.pk for row in rows])
    return len(ids)
