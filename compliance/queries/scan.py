"""One scan: how far it is, what it waits for, what it cost, what went wrong, repository by repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, Count, IntegerField, Max, Min, Q, QuerySet, Value, When

from compliance.models import ACTIVE, RegistryState, RepositoryScan, Scan, ScanError, State
from compliance.queries.filters import choice_of
from compliance.queries.paging import Paging, page_of
from compliance.queries.scans import ErrorGroup, ScanRow, group_errors, scan_rows

_MOST_ERRORS = 400
_PATIENCE = timedelta(seconds=60)
_SHOWN_TAGS = 5
_TRUSTED_SAMPLE = 20
"""Tags; a rate of fewer says nothing of the time that is left."""

SHOW: Final[dict[str, tuple[str, Q]]] = {
    "active": ("Under way or waiting", Q(state__in=ACTIVE)),
    "failed": ("Failed", Q(state=State.FAILED)),
    "changed": ("With changes", Q(new__gt=0) | Q(fixed__gt=0)),
    "done": ("Done", Q(state=State.DONE)),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """The parts of a scan, counted: ``held`` is under a worker's lease now, ``waiting`` may not go on yet."""

    queued: int
    active: int
    failed: int
    changed: int
    done: int
    total: int
    held: int
    waiting: int
    waiting_until: datetime | None
    heavy: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung of the way from the listing to the verdicts: waiting, running, done or failed."""

    name: str
    state: str
    count: int
    total: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Something the scan waits for."""

    what: str
    until: datetime | None = None
    why: str = ""
    can_resume: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One repository's part."""

    id: int
    repository: str
    state: str
    state_label: str
    tags_done: int
    tags_total: int
    only_tags: tuple[str, ...]
    more_tags: int
    heavy: bool
    not_before: datetime | None
    images_new: int
    requests: int
    bytes: int
    new: int
    fixed: int
    regressed: int


@dataclass(frozen=True, slots=True)
class ScanPage:
    """One scan; ``version`` changes whenever something on the page does, ``quarter`` when it is worth saying."""

    row: ScanRow
    stages: tuple[Stage, ...]
    pauses: tuple[Pause, ...]
    errors: tuple[ErrorGroup, ...]
    elapsed: timedelta | None
    rate: float | None
    left: timedelta | None
    counts: Counts
    show: str
    tabs: tuple[tuple[str, str, int], ...]
    parts: tuple[Part, ...]
    paging: Paging
    version: str
    quarter: int


def scan_page(scan_id: int, params: Mapping[str, str], *, now: datetime) -> ScanPage | None:
    """One scan, or ``None``."""
    rows = scan_rows(Scan.objects.filter(pk=scan_id))
    if not rows:
        return None
    row = rows[0]
    errors = ScanError.objects.filter(scan=scan_id).select_related("repository").order_by("code", "pk")[:_MOST_ERRORS]
    groups = group_errors(errors, row.registry_slug)
    counts = _counts(scan_id, now)
    pauses = _pauses(row, counts, now) if row.active else ()
    show = choice_of(params, "show", SHOW)
    total = getattr(counts, show) if show else counts.total
    paging = page_of(params.get("page", ""), total)
    rate = _rate(row, now)
    return ScanPage(
        row=row,
        stages=_stages(row, counts),
        pauses=pauses,
        errors=groups,
        elapsed=row.elapsed(now),
        rate=rate,
        left=_left(row, counts, rate) if row.active and not pauses else None,
        counts=counts,
        show=show,
        tabs=(("", "All", counts.total), *((key, SHOW[key][0], getattr(counts, key)) for key in SHOW)),
        parts=tuple(_part(part) for part in _chosen(scan_id, show, paging)),
        paging=paging,
        version=_version(row, counts, groups, pauses),
        quarter=_quarter(row),
    )


def _counts(scan_id: int, now: datetime) -> Counts:
    """One query; a scan has as many parts as its registry has repositories."""
    waiting = Q(state__in=ACTIVE, not_before__gt=now)
    numbers = RepositoryScan.objects.filter(scan=scan_id).aggregate(
        **{key: Count("pk", filter=fits) for key, (_, fits) in SHOW.items()},
        queued=Count("pk", filter=Q(state=State.QUEUED)),
        total=Count("pk"),
        held=Count("pk", filter=Q(lease_until__gt=now)),
        waiting=Count("pk", filter=waiting),
        waiting_until=Min("not_before", filter=waiting),
        heavy=Count("pk", filter=Q(heavy=True, state__in=ACTIVE)),
        last_started=Max("started_at"),
        last_finished=Max("finished_at"),
    )
    moments = [at for at in (numbers.pop("last_started"), numbers.pop("last_finished")) if at]
    return Counts(**numbers, last_at=max(moments, default=None))


def _chosen(scan_id: int, show: str, paging: Paging) -> QuerySet[RepositoryScan]:
    """Those under way first, then those that need somebody."""
    ranks = {State.RUNNING: 0, State.FAILED: 1, State.QUEUED: 2}
    rank = Case(
        *(When(state=state, then=Value(at)) for state, at in ranks.items()), default=3, output_field=IntegerField()
    )
    parts = RepositoryScan.objects.filter(scan=scan_id).select_related("repository").order_by(rank, "pk")
    if show:
        parts = parts.filter(SHOW[show][1])
    return parts[paging.offset : paging.offset + paging.size]


def _stages(row: ScanRow, counts: Counts) -> tuple[Stage, ...]:
    listing = "done" if row.listed else _ended(row) or ("running" if row.started_at else "waiting")
    later = "waiting" if not row.listed else _ended(row) or "running"
    tags = "done" if later == "running" and not counts.queued else later
    begun = counts.total - counts.queued
    counted = f"in {begun:,} of {counts.total:,} repositories" if begun else ""
    known = f"{row.cache_hits:,} digests known before" if row.cache_hits else ""
    heavy = f"{counts.heavy:,} with layers too big for the others' queue" if counts.heavy else ""
    return (
        Stage("Repositories listed", listing, row.repositories_total, None, ""),
        Stage("Tags counted", tags, row.tags_total, None, counted),
        Stage("Manifests and configs read", later, row.images_new, None, known),
        Stage("Layers indexed", later, row.layers_indexed, None, heavy),
        Stage("Tags judged", later, row.tags_done, row.tags_total, ""),
    )


def _ended(row: ScanRow) -> str:
    if row.active:
        return ""
    return "done" if row.state == State.DONE else "stopped"


def _pauses(row: ScanRow, counts: Counts, now: datetime) -> tuple[Pause, ...]:
    found: list[Pause] = []
    state = RegistryState.objects.filter(registry__slug=row.registry_slug).first()
    if state and state.paused_until and state.paused_until > now:
        why = f"{state.pause_message} {state.pause_remedy}".strip()
        found.append(Pause("The registry is left alone", state.paused_until, why, can_resume=True))
    elif row.not_before and row.not_before > now:
        found.append(Pause("The whole scan waits", row.not_before, "It will be tried again."))
    elif counts.waiting:
        parts = "1 repository waits" if counts.waiting == 1 else f"{counts.waiting:,} repositories wait"
        found.append(Pause(parts, counts.waiting_until, "What failed there may pass by itself."))
    if state and state.budget_until and state.budget_until > now + timedelta(seconds=5):
        found.append(Pause("The requests a minute it is allowed are used up", state.budget_until))
    idle_since = max(at for at in (row.requested_at, row.started_at, counts.last_at) if at)
    if not found and not counts.held and not row.held and now - idle_since > _PATIENCE:
        found.append(Pause("No worker has taken it up", None, "Others' scans may be before it, or no worker runs."))
    return tuple(found)


def _rate(row: ScanRow, now: datetime) -> float | None:
    elapsed = row.elapsed(now)
    seconds = elapsed.total_seconds() if elapsed else 0.0
    return row.tags_done / seconds if seconds >= 1 and row.tags_done else None


def _left(row: ScanRow, counts: Counts, rate: float | None) -> timedelta | None:
    """By the rate until now; repositories whose tags nobody has counted are taken to be like the others."""
    begun = counts.total - counts.queued
    if not rate or not row.listed or not begun or row.tags_done < _TRUSTED_SAMPLE:
        return None
    expected = row.tags_total * counts.total / begun
    return timedelta(seconds=max(expected - row.tags_done, 0) / rate)


def _quarter(row: ScanRow) -> int:
    """0 to 4."""
    return 4 * row.tags_done // row.tags_total if row.listed and row.tags_total else 0


def _version(row: ScanRow, counts: Counts, groups: tuple[ErrorGroup, ...], pauses: tuple[Pause, ...]) -> str:
    numbers = (
        *(row.repositories_total, row.repositories_done, row.repositories_failed, row.tags_total, row.tags_done),
        *(row.requests, counts.active, counts.queued, sum(group.count for group in groups)),
    )
    waits = "".join(f"{pause.until:%H%M%S}" if pause.until else "w" for pause in pauses)
    return f"{row.state}.{'.'.join(map(str, numbers))}.{waits}"


def _part(part: RepositoryScan) -> Part:
    tags = part.only_tags or []
    return Part(
        id=part.pk,
        repository=part.repository.name,
        state=part.state,
        state_label=part.get_state_display(),
        tags_done=part.tags_done,
        tags_total=part.tags_total,
        only_tags=tuple(tags[:_SHOWN_TAGS]),
        more_tags=max(len(tags) - _SHOWN_TAGS, 0),
        heavy=part.heavy,
        not_before=part.not_before,
        images_new=part.images_new,
        requests=part.requests,
        bytes=part.bytes,
        new=part.new,
        fixed=part.fixed,
        regressed=part.regressed,
    )
