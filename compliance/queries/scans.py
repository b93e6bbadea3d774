"""Scans: the list, and one scan while it runs and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from compliance.models import ACTIVE, Registry, Scan, ScanError, State
from compliance.queries.filters import Chip, choice_of, without
from compliance.queries.paging import Paging, page_of

STATES: dict[str, str] = {"active": "Active", **{str(state): str(state.label) for state in State}}
_MOST_ERRORS = 400
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One scan. ``elapsed`` runs until the scan ended, or until now."""

    id: int
    registry_slug: str
    registry: str
    trigger: str
    by: str
    state: str
    state_label: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    listed: bool
    repositories_total: int
    repositories_done: int
    repositories_failed: int
    tags_total: int
    tags_done: int
    images_new: int
    layers_indexed: int
    requests: int
    bytes: int
    cache_hits: int
    new: int
    fixed: int
    problem_code: str
    problem_message: str
    problem_remedy: str

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return self.state in ACTIVE

    def elapsed(self, now: datetime) -> timedelta | None:
        """How long it has been running, or ran."""
        return (self.finished_at or now) - self.started_at if self.started_at else None


@dataclass(frozen=True, slots=True)
class Example:
    """One repository an error happened in."""

    registry_slug: str
    repository: str
    subject: str


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """One cause, how often, where, and what to do."""

    code: str
    message: str
    remedy: str
    count: int
    repositories: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class ScanList:
    """The page."""

    rows: tuple[ScanRow, ...]
    paging: Paging
    state: str
    registry: str
    chips: tuple[Chip, ...]
    registries: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...] = tuple(STATES.items())


@dataclass(frozen=True, slots=True)
class ScanPage:
    """One scan with its errors; ``version`` changes whenever something on the page does."""

    row: ScanRow
    errors: tuple[ErrorGroup, ...]
    elapsed: timedelta | None
    rate: float | None
    version: str


def list_scans(params: Mapping[str, str]) -> ScanList:
    """One page of the scans that match the address, newest first."""
    registries = tuple(Registry.objects.order_by("name").values_list("slug", "name"))
    state, registry = choice_of(params, "state", STATES), choice_of(params, "registry", dict(registries))
    scans = Scan.objects.all()
    if state:
        scans = scans.filter(state__in=ACTIVE if state == "active" else [state])
    if registry:
        scans = scans.filter(registry__slug=registry)
    paging = page_of(params.get("page", ""), scans.count())
    found = (
        ("state", f"state {STATES[state]}" if state else ""),
        ("registry", f"registry {dict(registries).get(registry, '')}" if registry else ""),
    )
    return ScanList(
        scan_rows(scans[paging.offset : paging.offset + paging.size]),
        paging,
        state,
        registry,
        tuple(Chip(label, without(params, name)) for name, label in found if label),
        registries,
    )


def scan_page(scan_id: int, *, now: datetime) -> ScanPage | None:
    """One scan, or ``None``."""
    rows = scan_rows(Scan.objects.filter(pk=scan_id))
    if not rows:
        return None
    row = rows[0]
    errors = ScanError.objects.filter(scan=scan_id).select_related("repository").order_by("code", "pk")[:_MOST_ERRORS]
    groups = group_errors(errors, row.registry_slug)
    elapsed = row.elapsed(now)
    seconds = elapsed.total_seconds() if elapsed else 0.0
    rate = row.tags_done / seconds if seconds >= 1 and row.tags_done else None
    version = (
        f"{row.state}.{row.repositories_total}.{row.repositories_done}.{row.repositories_failed}."
        f"{row.tags_total}.{row.tags_done}.{row.requests}.{sum(group.count for group in groups)}"
    )
    return ScanPage(row, groups, elapsed, rate, version)


def scan_rows(scans: QuerySet[Scan]) -> tuple[ScanRow, ...]:
    """Scans as rows, with one query."""
    return tuple(_row(scan) for scan in scans.select_related("registry", "requested_by"))


def group_errors(errors: Iterable[ScanError], registry_slug: str) -> tuple[ErrorGroup, ...]:
    """One group per cause, the most frequent first."""
    by_code: dict[str, list[ScanError]] = {}
    for error in errors:
        by_code.setdefault(error.code, []).append(error)
    groups = (
        ErrorGroup(
            code,
            found[0].message,
            found[0].remedy,
            sum(error.count for error in found),
            len([error for error in found if error.repository_id]),
            tuple(
                Example(registry_slug, error.repository.name if error.repository else "", error.subject)
                for error in found[:_EXAMPLES]
            ),
        )
        for code, found in by_code.items()
    )
    return tuple(sorted(groups, key=lambda group: (-group.count, group.code)))


def _row(scan: Scan) -> ScanRow:
    return ScanRow(
        id=scan.pk,
        registry_slug=scan.registry.slug,
        registry=scan.registry.name,
        trigger=scan.get_trigger_display(),
        by=scan.requested_by.get_username() if scan.requested_by else "",
        state=scan.state,
        state_label=scan.get_state_display(),
        requested_at=scan.requested_at,
        started_at=scan.started_at,
        finished_at=scan.finished_at,
        not_before=scan.not_before,
        listed=scan.listed_at is not None,
        repositories_total=scan.repositories_total,
        repositories_done=scan.repositories_done,
        repositories_failed=scan.repositories_failed,
        tags_total=scan.tags_total,
        tags_done=scan.tags_done,
        images_new=scan.images_new,
        layers_indexed=scan.layers_indexed,
        requests=scan.requests,
        bytes=scan.bytes,
        cache_hits=scan.cache_hits,
        new=scan.new,
        fixed=scan.fixed,
        problem_code=scan.problem_code,
        problem_message=scan.problem_message,
        problem_remedy=scan.problem_remedy,
    )
