"""What the overview says, in numbers for programs. Nothing is counted here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance.access import Actor
from compliance.queries.overview import WINDOWS, Overview, overview
from compliance.queries.work_scope import WorkScope

SCHEMA = 1
"""Raised when a field changes its meaning; fields may be added."""


@dataclass(frozen=True, slots=True)
class NotUnderstood(Exception):
    """The address asks for what there is not, or what somebody may not see: other numbers would be taken for those."""

    words: str


def summary(params: Mapping[str, str], actor: Actor, *, now: datetime) -> dict[str, object]:
    """The numbers of the overview at the same address.

    :raises NotUnderstood: where the page would show more than was asked for.
    """
    if params.get("days", "30") not in WINDOWS:
        raise NotUnderstood(f"days is one of {', '.join(WINDOWS)}.")
    found = overview(params, actor, now=now)
    for name in ("registry", "team", "environment"):
        if params.get(name, "") != found.scope.pairs.get(name, ""):
            raise NotUnderstood(f"There is no such {name} that you may see. Its slug stands in its address.")
    return {
        "schema": SCHEMA,
        "as_of": now.isoformat(),
        "scope": _scope(found.scope),
        "window": {"days": int(found.window), "since": found.since and found.since.isoformat()},
        **_numbers(found),
    }


def _scope(scope: WorkScope) -> dict[str, str | None]:
    filters = {name: scope.pairs.get(name) for name in ("registry", "team", "environment")}
    return {"name": scope.name, **filters}


def _numbers(found: Overview) -> dict[str, object]:
    totals, work = found.totals, found.work
    return {
        "compliance": {"share": totals.compliance, "change_in_points": found.change},
        "coverage": {"share": totals.coverage, "oldest_scan": totals.oldest_scan and totals.oldest_scan.isoformat()},
        "tags": {
            "total": totals.tags,
            "evaluated": totals.evaluated,
            "pass": totals.passed,
            "fail": totals.failed,
            "fail_protected": totals.failed_protected,
            "unknown": totals.unknown,
            "waived": totals.waived,
            "not_applicable": totals.not_applicable,
        },
        "repositories": {"total": totals.repositories, "never_scanned": totals.never_scanned},
        "findings": {
            "open": work.open,
            "overdue": work.overdue.count,
            "on_protected_tags": work.protected.count,
            "regressions": work.regressions.count,
            "unowned": work.unowned,
        },
        "waivers": {"expiring": found.expiring.count},
    }
