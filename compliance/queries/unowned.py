"""Repositories that no team owns: names and labels for who may claim them, verdicts for who sees everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, TextField
from django.db.models.functions import Cast

from compliance.access import Actor
from compliance.models import Finding, Registry, Repository, Team
from compliance.models.repository import RepositoryQuerySet
from compliance.policy.ownership import COMMON_LABELS
from compliance.queries.filters import Chip, choice_of, environment_of, text_of, without
from compliance.queries.paging import Paging, page_of

_MOST_LABELS = 3


@dataclass(frozen=True, slots=True)
class UnownedRow:
    """One repository; the numbers are ``None`` for who does not see them."""

    id: int
    registry_slug: str
    registry: str
    environment: str
    name: str
    labels: tuple[tuple[str, str], ...]
    more_labels: int
    tags: int | None
    failed: int | None
    findings: int | None


@dataclass(frozen=True, slots=True)
class UnownedList:
    """The page.

    :param teams: those somebody leads, the first few.
    :param nothing_known: no registry has shown a repository yet.
    """

    rows: tuple[UnownedRow, ...]
    paging: Paging
    chips: tuple[Chip, ...]
    q: str
    registry: str
    registries: tuple[tuple[str, str], ...]
    environment: str
    environments: tuple[str, ...]
    teams: tuple[tuple[str, str], ...]
    nothing_known: bool


def unowned_repositories(params: Mapping[str, str]) -> RepositoryQuerySet:
    """What an address means: one reading for the list, its count and what is claimed."""
    rows = Repository.objects.listed().filter(team=None)
    if q := text_of(params, "q"):
        rows = rows.alias(said=Cast("labels", TextField())).filter(Q(name__icontains=q) | Q(said__icontains=q))
    if registry := text_of(params, "registry"):
        rows = rows.filter(registry__slug=registry)
    if environment := environment_of(params):
        rows = rows.filter(registry__environment=environment)
    return rows


def list_unowned(params: Mapping[str, str], actor: Actor) -> UnownedList:
    """One page of what nobody owns: five queries."""
    homes = Registry.objects.filter(pk__in=Repository.objects.listed().filter(team=None).values("registry"))
    places = list(homes.order_by("name").values_list("slug", "name", "environment"))
    registries = tuple((slug, name) for slug, name, _ in places)
    q, registry = text_of(params, "q"), choice_of(params, "registry", dict(registries))
    environment = environment_of(params)
    found = unowned_repositories({"q": q, "registry": registry, "environment": environment})
    paging = page_of(params.get("page", ""), found.count())
    page = list(found.select_related("registry").order_by("name", "pk")[paging.offset : paging.offset + paging.size])
    counts = _findings([row.pk for row in page]) if actor.sees_everything else {}
    words = (
        ("q", f"contains “{q}”" if q else ""),
        ("registry", f"registry {dict(registries).get(registry)}" if registry else ""),
        ("environment", f"environment {environment}" if environment else ""),
    )
    led = Team.objects.filter(pk__in=actor.led_team_ids).order_by("name").values_list("slug", "name")
    return UnownedList(
        tuple(_row(row, counts.get(row.pk, 0), actor) for row in page),
        paging,
        tuple(Chip(label, without(params, name)) for name, label in words if label),
        q,
        registry,
        registries,
        environment,
        tuple(sorted({environment, *(each for _, _, each in places)} - {""})),
        tuple(led[:2]) if actor.led_team_ids else (),
        not page and not Repository.objects.exists(),
    )


def shown_labels(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Labels in the order in which people look for them."""
    common = [key for key in COMMON_LABELS if key in labels]
    return tuple((key, labels[key]) for key in [*common, *sorted(labels.keys() - set(common))])


def _findings(ids: list[int]) -> dict[int, int]:
    rows = Finding.objects.to_do().filter(repository__in=ids).order_by().values_list("repository")
    return dict(rows.annotate(n=Count("pk")))


def _row(row: Repository, findings: int, actor: Actor) -> UnownedRow:
    labels = shown_labels(row.labels)
    everything = actor.sees_everything
    return UnownedRow(
        row.pk,
        row.registry.slug,
        row.registry.name,
        row.registry.environment,
        row.name,
        labels[:_MOST_LABELS],
        max(0, len(labels) - _MOST_LABELS),
        row.tags_total if everything else None,
        row.failed if everything else None,
        findings if everything else None,
    )
