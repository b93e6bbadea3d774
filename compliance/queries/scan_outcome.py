"""What ``manage.py scan`` prints: the outcome of scans in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum

from compliance.models import Repository, Scan, ScanError, State

SCHEMA = 1
_VERDICTS = {
    "passed": "pass",
    "failed": "fail",
    "unknown": "unknown",
    "waived": "waived",
    "not_applicable": "not applicable",
}
_SUMMED = (
    *("seconds", "requests", "bytes", "repositories", "repositories_failed", "tags", "images_new", "layers_indexed"),
    *("known", "new", "fixed", *_VERDICTS),
)


def scan_outcome(scan_ids: Sequence[int]) -> dict[str, Any]:
    """Each scan, and the sums of them; verdict counts are those of the registry's tags now."""
    scans = [_outcome(scan) for scan in Scan.objects.filter(pk__in=scan_ids).select_related("registry").order_by("pk")]
    return {
        "schema": SCHEMA,
        "ended_well": all(scan["ended_well"] for scan in scans),
        **{name: sum(scan[name] for scan in scans) for name in _SUMMED},
        "scans": scans,
    }


def verdicts_in_words(counts: Mapping[str, Any]) -> str:
    """Every verdict with how many tags have it, of a scan or of the sums; together they are all tags."""
    return ", ".join(f"{counts[name]} {word}" for name, word in _VERDICTS.items())


def _outcome(scan: Scan) -> dict[str, Any]:
    ended = scan.finished_at or scan.requested_at
    errors = ScanError.objects.filter(scan=scan).select_related("repository").order_by("-count", "code")
    counts = (
        Repository.objects.listed()
        .filter(registry=scan.registry_id)
        .aggregate(**{name: Sum(name, default=0) for name in _VERDICTS})
    )
    return {
        "id": scan.pk,
        "registry": scan.registry.name,
        "state": scan.state,
        "ended_well": scan.state == State.DONE and scan.repositories_failed == 0,
        "seconds": round((ended - scan.requested_at).total_seconds(), 3),
        "requests": scan.requests,
        "bytes": scan.bytes,
        "repositories": scan.repositories_total,
        "repositories_failed": scan.repositories_failed,
        "tags": scan.tags_done,
        "known": scan.cache_hits,
        "images_new": scan.images_new,
        "layers_indexed": scan.layers_indexed,
        "new": scan.new,
        "fixed": scan.fixed,
        **counts,
        "problem": _problem(scan),
        "errors": [_error(error) for error in errors],
    }


def _problem(scan: Scan) -> dict[str, str] | None:
    if not scan.problem_code:
        return None
    return {"code": scan.problem_code, "message": scan.problem_message, "remedy": scan.problem_remedy}


def _error(error: ScanError) -> dict[str, Any]:
    return {
        "repository": error.repository.name if error.repository else None,
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "subject": error.subject,
        "count": error.count,
    }
