"""Findings by what they have in common: each group with its numbers and a link to what they count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, Window

from compliance.models import BaseImage, Registry, Repository, Team
from compliance.models.finding import FindingQuerySet
from compliance.queries.finding_filter import FindingFilter, FindingView, address
from compliance.queries.paging import Paging, page_of
from compliance.remediation.terms import NO_BASE, NO_TEAM, SEVERITIES, canonical
from scanner.rulebook import RULES

_FARTHEST = 100_000_000
_COLUMNS = {
    "rule": "rule",
    "repository": "repository",
    "team": "repository__team",
    "registry": "repository__registry",
    "base": "base",
}
_NONE = {"team": (NO_TEAM, "No team"), "base": (NO_BASE, "No base declared")}
_TITLES = {rule.id: rule.title for rule in RULES}


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that have something in common.

    :param key: what the filter of the same name is set to; ``anchor`` is its place on the page.
    :param address: the list of exactly these; ``regressed`` and ``guarded`` are those of two of the numbers.
    :param toggle: the same page with this group opened or closed; ``query`` asks for its findings, however shown.
    """

    key: str
    anchor: str
    label: str
    count: int
    regressions: int
    protected: int
    worst: str
    oldest: datetime
    address: str
    regressed: str
    guarded: str
    toggle: str
    opened: bool
    condition: Q
    query: str


def list_groups(
    rows: FindingQuerySet, wanted: FindingFilter, view: FindingView, page: str
) -> tuple[tuple[Group, ...], Paging]:
    """One page of groups: those with regressions first, then the largest."""
    column = _COLUMNS[view.group]
    counted = (
        rows.order_by()
        .values(column)
        .annotate(
            count=Count("pk"),
            regressions=Count("pk", filter=Q(regression=True)),
            guarded=Count("pk", filter=Q(protected=True)),
            worst=Min("rank"),
            oldest=Min("opened_at"),
            groups=Window(Count("*")),
        )
        .order_by("-regressions", "-count", column)
    )
    far = page_of(page, _FARTHEST, size=view.size)
    found = list(counted[far.offset : far.offset + far.size])
    if not found and far.offset:  # only now is it known that there is no such page
        first = list(counted[:1])
        last = page_of(page, first[0]["groups"] if first else 0, size=view.size)
        found = list(counted[last.offset : last.offset + last.size])
    paging = page_of(page, found[0]["groups"] if found else 0, size=view.size)
    names = _NAMES[view.group]([row[column] for row in found])
    return tuple(_group(row, column, names, wanted, view) for row in found), paging


def _group(
    row: Mapping[str, Any], column: str, names: Mapping[Any, tuple[str, str]], wanted: FindingFilter, view: FindingView
) -> Group:
    key, label = names.get(row[column]) or _NONE[view.group]
    ungrouped = replace(view, group="", opened="")
    narrowed = replace(wanted, terms={**wanted.terms, view.group: key})
    opened = view.opened == key
    return Group(
        key=key,
        anchor=str(row[column] or "none"),
        label=label,
        count=row["count"],
        regressions=row["regressions"],
        protected=row["guarded"],
        worst=SEVERITIES[min(row["worst"], len(SEVERITIES) - 1)],
        oldest=row["oldest"],
        address=address(narrowed, ungrouped),
        regressed=address(_flagged(narrowed, "regression"), ungrouped),
        guarded=address(_flagged(narrowed, "protected"), ungrouped),
        toggle=address(wanted, view, **({} if opened else {"opened": key})),
        opened=opened,
        condition=Q(**{column: row[column]}),
        query=narrowed.query,
    )


def _flagged(wanted: FindingFilter, flag: str) -> FindingFilter:
    flags = ",".join(filter(None, [wanted.terms.get("is", ""), flag]))
    return replace(wanted, terms={**wanted.terms, "is": canonical("is", flags)})


def _rules(keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    return {key: (key, f"{key} {_TITLES.get(key, '')}".strip()) for key in keys}


def _repositories(keys: Iterable[int]) -> dict[int, tuple[str, str]]:
    rows = Repository.objects.filter(pk__in=list(keys)).select_related("registry")
    return {row.pk: (f"{row.registry.slug}/{row.name}", row.name) for row in rows}


def _teams(keys: Iterable[int | None]) -> dict[int, tuple[str, str]]:
    return {row.pk: (row.slug, row.name) for row in Team.objects.filter(pk__in=[key for key in keys if key])}


def _registries(keys: Iterable[int]) -> dict[int, tuple[str, str]]:
    return {row.pk: (row.slug, row.name) for row in Registry.objects.filter(pk__in=list(keys))}


def _bases(keys: Iterable[int | None]) -> dict[int, tuple[str, str]]:
    rows = BaseImage.objects.filter(pk__in=[key for key in keys if key])
    return {pk: (name, name) for pk, name in rows.values_list("pk", "name")}


_NAMES: Mapping[str, Callable[[Any], Mapping[Any, tuple[str, str]]]] = {
    "rule": _rules,
    "repository": _repositories,
    "team": _teams,
    "registry": _registries,
    "base": _bases,
}
