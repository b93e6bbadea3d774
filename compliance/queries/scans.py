"""Scans: the list, and what every page shows of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from compliance.models import ACTIVE, Registry, RepositoryScan, Scan, ScanError, State
from compliance.queries.filters import Chip, choice_of, without
from compliance.queries.paging import Paging, page_of
from compliance.remediation.terms import canonical

STATES: dict[str, str] = {"active": "Active", **{str(state): str(state.label) for state in State}}
TRIGGERS: dict[str, str] = {str(trigger): str(trigger.label) for trigger in Scan.Trigger}
TABS: dict[str, str] = {"whole": "Whole registries", "pushes": "Pushes", "errors": "With errors"}
MOST_COUNTED = 10_000
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class About:
    """The first repository of a scan of parts, and the tags it is limited to; none: all of its tags."""

    repository: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One scan. ``elapsed`` runs until the scan ended, or until now; ``announced``: pushes are its cause."""

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
    bytes_saved: int
    cache_hits: int
    new: int
    fixed: int
    regressed: int
    held: bool
    partial: bool
    announced: bool
    about: About | None
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
    tab: str
    state: str
    trigger: str
    registry: str
    repository: str
    chips: tuple[Chip, ...]
    registries: tuple[tuple[str, str], ...]
    tabs: tuple[tuple[str, str], ...] = (("", "All"), *TABS.items())
    triggers: tuple[tuple[str, str], ...] = tuple(TRIGGERS.items())
    states: tuple[tuple[str, str], ...] = tuple(STATES.items())


def list_scans(params: Mapping[str, str]) -> ScanList:
    """One page of the scans that match the address, newest first."""
    registries = tuple(Registry.objects.order_by("name").values_list("slug", "name"))
    names = dict(registries)
    chosen = {
        "tab": choice_of(params, "tab", TABS),
        "state": choice_of(params, "state", STATES),
        "trigger": choice_of(params, "trigger", TRIGGERS),
        "registry": choice_of(params, "registry", names),
        "repository": canonical("repository", params.get("repository", "")),
    }
    scans = _chosen(**chosen)
    count = scans.order_by()[: MOST_COUNTED + 1].count()
    paging = page_of(params.get("page", ""), min(count, MOST_COUNTED), capped=count > MOST_COUNTED)
    words = {
        "state": f"state {STATES.get(chosen['state'], '')}",
        "trigger": f"asked for by {TRIGGERS.get(chosen['trigger'], '')}",
        "registry": f"registry {names.get(chosen['registry'], '')}",
        "repository": f"of {chosen['repository']}",
    }
    return ScanList(
        scan_rows(scans[paging.offset : paging.offset + paging.size]),
        paging,
        tab=chosen["tab"],
        state=chosen["state"],
        trigger=chosen["trigger"],
        registry=chosen["registry"],
        repository=chosen["repository"],
        chips=tuple(Chip(label, without(params, name)) for name, label in words.items() if chosen[name]),
        registries=registries,
    )


def _chosen(*, tab: str, state: str, trigger: str, registry: str, repository: str) -> QuerySet[Scan]:
    scans = Scan.objects.all()
    if tab == "whole":
        scans = scans.filter(partial=False)
    elif tab == "pushes":
        scans = scans.filter(trigger=Scan.Trigger.WEBHOOK)
    elif tab == "errors":
        scans = scans.filter(Q(state=State.FAILED) | Exists(ScanError.objects.filter(scan=OuterRef("pk"))))
    if state:
        scans = scans.filter(state__in=ACTIVE if state == "active" else [state])
    if trigger:
        scans = scans.filter(trigger=trigger)
    if repository:
        slug, _, name = repository.partition("/")
        parts = RepositoryScan.objects.filter(repository__registry__slug=slug, repository__name=name)
        scans = scans.filter(pk__in=parts.values("scan"))
    return scans.filter(registry__slug=registry) if registry else scans


def scan_rows(scans: QuerySet[Scan]) -> tuple[ScanRow, ...]:
    """Scans as rows, with one query, and one more where some are of parts of a registry."""
    found = list(scans.select_related("registry", "requested_by"))
    about = _about([scan.pk for scan in found if scan.partial])
    return tuple(_row(scan, about.get(scan.pk)) for scan in found)


def _about(ids: list[int]) -> dict[int, RepositoryScan]:
    """The first part of each: what a scan of few parts is about."""
    if not ids:
        return {}
    parts = RepositoryScan.objects.filter(scan__in=ids).select_related("repository")
    return {part.scan_id: part for part in parts.order_by("scan_id", "pk").distinct("scan_id")}


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


def _row(scan: Scan, part: RepositoryScan | None) -> ScanRow:
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
        bytes_saved=scan.bytes_saved,
        cache_hits=scan.cache_hits,
        new=scan.new,
        fixed=scan.fixed,
        regressed=scan.regressed,
        held=scan.lease_until is not None,
        partial=scan.partial,
        announced=scan.trigger == Scan.Trigger.WEBHOOK,
        about=About(part.repository.name, tuple(part.only_tags or ())) if part else None,
        problem_code=scan.problem_code,
        problem_message=scan.problem_message,
        problem_remedy=scan.problem_remedy,
    )
