"""Registries: the list, one registry with its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, Sum

from compliance.models import ACTIVE, Registry, Repository, Scan, ScanError
from compliance.queries.filters import choice_of
from compliance.queries.scans import ErrorGroup, ScanRow, group_errors, scan_rows

_STATES = {"error": "in error"}


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One registry with the totals of its repositories."""

    slug: str
    name: str
    url: str
    login: str
    verify_tls: bool
    enabled: bool
    policy: str
    interval_minutes: int
    reached_at: datetime | None
    next_scan_at: datetime | None
    scanned_at: datetime | None
    repositories: int
    never_scanned: int
    tags: int
    passed: int
    evaluated: int
    failed: int
    unknown: int
    active_scan: int | None
    problem_code: str
    problem_message: str
    problem_remedy: str

    @property
    def compliance(self) -> float | None:
        """Share of the evaluated tags that pass."""
        return self.passed / self.evaluated if self.evaluated else None


@dataclass(frozen=True, slots=True)
class RegistryPage:
    """One registry, its latest scans, what went wrong in the last one."""

    row: RegistryRow
    credential_set_at: datetime | None
    credential_set_by: str
    allow_private: bool
    protected_tags: tuple[str, ...]
    scans: tuple[ScanRow, ...]
    errors: tuple[ErrorGroup, ...]


def list_registries(params: Mapping[str, str]) -> tuple[str, tuple[RegistryRow, ...]]:
    """The filter that is on, and all registries that match it."""
    state = choice_of(params, "state", _STATES)
    rows = Registry.objects.select_related("policy").order_by("name")
    if state == "error":
        rows = rows.exclude(problem_code="")
    return state, _rows(list(rows))


def registry_page(slug: str) -> RegistryPage | None:
    """One registry, or ``None``."""
    registry = Registry.objects.filter(slug=slug).select_related("policy", "credential_set_by").first()
    if registry is None:
        return None
    scans = scan_rows(Scan.objects.filter(registry=registry)[:10])
    errors: list[ScanError] = []
    if scans:
        errors = list(ScanError.objects.filter(scan=scans[0].id).select_related("repository")[:200])
    return RegistryPage(
        _rows([registry])[0],
        registry.credential_set_at,
        registry.credential_set_by.get_username() if registry.credential_set_by else "",
        registry.allow_private,
        tuple(registry.protected_tags),
        scans,
        group_errors(errors, registry.slug),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    repositories: int = 0
    never_scanned: int = 0
    tags: int = 0
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    scanned_at: datetime | None = None


def _rows(registries: list[Registry]) -> tuple[RegistryRow, ...]:
    ids = [registry.pk for registry in registries]
    sums = _sums(ids)
    active = dict(Scan.objects.filter(registry__in=ids, state__in=ACTIVE).values_list("registry_id", "pk"))
    return tuple(_row(row, sums.get(row.pk, _Sums()), active.get(row.pk)) for row in registries)


def _sums(ids: list[int]) -> dict[int, _Sums]:
    rows = (
        Repository.objects.listed()
        .filter(registry__in=ids)
        .order_by()
        .values_list("registry")
        .annotate(
            sum_repositories=Count("pk"),
            sum_never=Count("pk", filter=Q(scanned_at=None)),
            sum_tags=Sum("tags_total"),
            sum_passed=Sum("passed"),
            sum_failed=Sum("failed"),
            sum_unknown=Sum("unknown"),
            last_scan=Max("scanned_at"),
        )
    )
    return {registry: _Sums(*sums) for registry, *sums in rows}


def _row(row: Registry, sums: _Sums, active_scan: int | None) -> RegistryRow:
    return RegistryRow(
        slug=row.slug,
        name=row.name,
        url=row.url,
        login=row.username,
        verify_tls=row.verify_tls,
        enabled=row.enabled,
        policy=row.policy.name,
        interval_minutes=row.interval_minutes,
        reached_at=row.reached_at,
        next_scan_at=row.next_scan_at,
        scanned_at=sums.scanned_at,
        repositories=sums.repositories,
        never_scanned=sums.never_scanned,
        tags=sums.tags,
        passed=sums.passed,
        failed=sums.failed,
        unknown=sums.unknown,
        evaluated=sums.passed + sums.failed + sums.unknown,
        active_scan=active_scan,
        problem_code=row.problem_code,
        problem_message=row.problem_message,
        problem_remedy=row.problem_remedy,
    )
