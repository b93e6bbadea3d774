"""Registries: the list, one registry with its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, Q, Sum

from compliance.models import ACTIVE, Registry, RegistryState, Repository, Scan, ScanError, Tag, WebhookEndpoint
from compliance.models.registry import AuthMethod
from compliance.policy.registry_values import RegistryValues
from compliance.policy.registry_words import limits_words, scope_sentence
from compliance.queries.filters import choice_of
from compliance.queries.registry_values import schedule_words, upcoming, values_of
from compliance.queries.scans import ErrorGroup, ScanRow, group_errors, scan_rows
from scanner.sources.catalogs import PRODUCTS
from scanner.sources.catalogs.product import Listing

STATES: Final = {"error": "in error", "announcing": "announces pushes", "missing": "announces not all pushes"}
"""What the list can be kept to, and what its chip says."""

_OF_STATE: Final = {
    "error": ~Q(problem_code=""),
    "announcing": Q(webhook__enabled=True),
    "missing": Q(webhook__enabled=True, webhook__unannounced__gt=0),
}
_SECRETS = ("password", "api_token", "client_key", "proxy")
_LATEST = 10
_MOST_ERRORS = 200


@dataclass(frozen=True, slots=True)
class Circuit:
    """Why a registry is left alone, or was lately.

    :param open: until ``until`` no worker asks it anything.
    """

    open: bool
    until: datetime | None
    failures: int
    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Quota:
    """What a registry said last of the pulls it still allows; ``source`` is whom it counts, as it says."""

    remaining: int
    limit: int | None
    window: timedelta | None
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Webhook:
    """How pushes are announced; ``rejected`` counts requests with a wrong secret."""

    enabled: bool
    last_event_at: datetime | None
    unannounced: int
    unannounced_since: datetime | None
    rejected: int
    rejected_at: datetime | None
    rejected_reason: str


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One registry with the totals of its repositories."""

    slug: str
    name: str
    environment: str
    url: str
    product: str
    local: bool
    login: str
    verify_tls: bool
    enabled: bool
    policy: str
    schedule: str
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
    waived: int
    active_scan: int | None
    problem_code: str
    problem_message: str
    problem_remedy: str
    circuit: Circuit
    webhook: Webhook | None

    @property
    def compliance(self) -> float | None:
        """Share of the evaluated tags that pass."""
        return self.passed / self.evaluated if self.evaluated else None

    @property
    def coverage(self) -> float | None:
        """Share of the repositories that were scanned."""
        return 1 - self.never_scanned / self.repositories if self.repositories else None


@dataclass(frozen=True, slots=True)
class RegistryPage:
    """One registry as it is set up, its latest scans, what went wrong in them."""

    row: RegistryRow
    values: RegistryValues
    note: str
    lists: bool
    secrets: frozenset[str]
    credential_set_at: datetime | None
    credential_set_by: str
    scope: str
    limits: str
    runs: tuple[datetime, ...]
    quota: Quota | None
    scans: tuple[ScanRow, ...]
    errors: tuple[ErrorGroup, ...]

    @property
    def certificate_authority(self) -> bool:
        """Whether it has an authority of its own."""
        return bool(self.values.extra_ca)


def list_registries(params: Mapping[str, str], *, now: datetime) -> tuple[str, tuple[RegistryRow, ...]]:
    """The filter that is on, and all registries that match it."""
    state = choice_of(params, "state", STATES)
    rows = Registry.objects.select_related("policy", "state", "webhook").order_by("name")
    return state, _rows(list(rows.filter(_OF_STATE[state]) if state else rows), now)


def registry_page(slug: str, *, now: datetime) -> RegistryPage | None:
    """One registry, or ``None``."""
    rows = Registry.objects.select_related("policy", "credential_set_by", "state", "webhook")
    registry = rows.filter(slug=slug).first()
    if registry is None:
        return None
    scans = scan_rows(Scan.objects.filter(registry=registry, partial=False)[:_LATEST])
    errors = ScanError.objects.filter(scan__in=[scan.id for scan in scans]).select_related("repository")
    product = PRODUCTS.get(registry.product, PRODUCTS["distribution"])
    values = values_of(registry)
    return RegistryPage(
        row=_rows([registry], now)[0],
        values=values,
        note=product.note,
        lists=product.listing is not Listing.NONE,
        secrets=frozenset(name for name in _SECRETS if getattr(registry, name)),
        credential_set_at=registry.credential_set_at,
        credential_set_by=registry.credential_set_by.get_username() if registry.credential_set_by else "",
        scope=scope_sentence(values.scope),
        limits=limits_words(values),
        runs=_runs(registry, now),
        quota=_quota(getattr(registry, "state", None)),
        scans=scans,
        errors=group_errors(errors.order_by("-at", "-pk")[:_MOST_ERRORS], registry.slug),
    )


def what_goes(registry: Registry) -> dict[str, int]:
    """How much is deleted with a registry: repositories and tags, those that are gone already included."""
    return {
        "repositories": Repository.objects.filter(registry=registry).count(),
        "tags": Tag.objects.filter(repository__registry=registry).count(),
    }


@dataclass(frozen=True, slots=True)
class _Sums:
    repositories: int = 0
    never_scanned: int = 0
    tags: int = 0
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    waived: int = 0
    scanned_at: datetime | None = None


def _rows(registries: list[Registry], now: datetime) -> tuple[RegistryRow, ...]:
    ids = [registry.pk for registry in registries]
    sums = _sums(ids)
    whole = Scan.objects.filter(registry__in=ids, state__in=ACTIVE, partial=False)
    active = dict(whole.values_list("registry_id", "pk"))
    return tuple(_row(row, sums.get(row.pk, _Sums()), active.get(row.pk), now) for row in registries)


def _runs(registry: Registry, now: datetime) -> tuple[datetime, ...]:
    due = _due(registry)
    if not registry.enabled or due is None:
        return ()
    first = max(due, now)
    return (first, *upcoming(registry.schedule, first, registry.slug, most=2))


def _due(registry: Registry) -> datetime | None:
    """A registry that is scanned only when asked for may still have a time from before."""
    schedule = registry.schedule
    return registry.next_scan_at if schedule.cron or schedule.interval_minutes else None


def _circuit(state: RegistryState | None, now: datetime) -> Circuit:
    if state is None:
        return Circuit(False, None, 0, "", "", "")
    is_open = state.paused_until is not None and state.paused_until > now
    told = (state.pause_code, state.pause_message, state.pause_remedy)
    return Circuit(is_open, state.paused_until, state.failures, *told)


def _quota(state: RegistryState | None) -> Quota | None:
    if state is None or state.quota_remaining is None:
        return None
    window = state.quota_window_seconds
    span = timedelta(seconds=window) if window else None
    return Quota(state.quota_remaining, state.quota_limit, span, state.quota_source, state.quota_at)


def _webhook(endpoint: WebhookEndpoint | None) -> Webhook | None:
    if endpoint is None:
        return None
    return Webhook(**{field.name: getattr(endpoint, field.name) for field in fields(Webhook)})


def _login(row: Registry) -> str:
    if row.auth_method == AuthMethod.PASSWORD:
        return row.username
    label = str(AuthMethod(row.auth_method).label).partition(":")[0].partition(",")[0]
    return f"{label} ({row.username})" if row.username else label


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
            sum_waived=Sum("waived"),
            last_scan=Max("scanned_at"),
        )
    )
    return {registry: _Sums(*sums) for registry, *sums in rows}


def _row(row: Registry, sums: _Sums, active_scan: int | None, now: datetime) -> RegistryRow:
    return RegistryRow(
        slug=row.slug,
        name=row.name,
        environment=row.environment,
        url=row.url,
        product=PRODUCTS[row.product].title if row.product in PRODUCTS else row.product,
        local=not row.url.startswith("http"),
        login=_login(row),
        verify_tls=row.verify_tls,
        enabled=row.enabled,
        policy=row.policy.name,
        schedule=schedule_words(row),
        reached_at=row.reached_at,
        next_scan_at=_due(row),
        scanned_at=sums.scanned_at,
        repositories=sums.repositories,
        never_scanned=sums.never_scanned,
        tags=sums.tags,
        passed=sums.passed,
        failed=sums.failed,
        unknown=sums.unknown,
        waived=sums.waived,
        evaluated=sums.passed + sums.failed + sums.unknown + sums.waived,
        active_scan=active_scan,
        problem_code=row.problem_code,
        problem_message=row.problem_message,
        problem_remedy=row.problem_remedy,
        circuit=_circuit(getattr(row, "state", None), now),
        webhook=_webhook(getattr(row, "webhook", None)),
    )
