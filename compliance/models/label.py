"""What people call repositories."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from compliance.models.repository import Repository
from compliance.policy.labels import LONGEST_GIVEN, MOST_GIVEN


class LabelSet(models.Model):
    """The labels that people gave to a repository, in their order; no row: none so far.

    Not a column of the repository: scans write that row all the time, and never this one.
    """

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="label_set")
    labels = ArrayField(models.CharField(max_length=LONGEST_GIVEN))

    class Meta:
        verbose_name = "labels of a repository"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(labels__len__lte=MOST_GIVEN), name="label_set_not_too_long")
        ]
        indexes: ClassVar = [GinIndex(fields=["labels"], name="label_set_labels")]


def labels_of(repository: Repository) -> tuple[str, ...]:
    """The labels of a repository that was selected with its ``label_set``."""
    row: LabelSet | None = getattr(repository, "label_set", None)
    return tuple(row.labels) if row else ()
