"""The labels that people gave, for who may see what they are given to."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import CharField, F, Func, QuerySet

from compliance.access import Actor
from compliance.models import LabelSet, Repository
from compliance.models.repository import RepositoryQuerySet

MOST_KNOWN: Final = 200


def known_labels(actor: Actor) -> tuple[str, ...]:
    """The first of them, to be offered where one is typed."""
    rows = Repository.objects.listed().for_user(actor)
    return tuple(labels_among(rows).order_by("label").values_list("label", flat=True)[:MOST_KNOWN])


def labels_among(repositories: RepositoryQuerySet) -> QuerySet[Any]:
    """Each ``label`` of these once."""
    sets = LabelSet.objects.filter(repository__in=repositories.order_by().values("pk"))
    each: Func = Func(F("labels"), function="unnest", output_field=CharField())
    return sets.annotate(label=each).values("label").distinct()
