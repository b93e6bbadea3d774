"""Layers too big for a turn among others: the tags that need them wait for a part of their own, on its own queue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db.models import Q

from compliance.models import Layer, RepositoryScan, State, Tag
from compliance.services.index_layers import WantedLayer
from compliance.services.known_images import is_outgrown
from scanner.domain.problems import ScanProblem, Unavailable

BIG_LAYERS: Final = "big-layers"
"""The code of tags that wait: no fault of anybody, and so nothing a scan counts as an error."""


def unread_big_layers(layers: Iterable[WantedLayer], *, over: int) -> set[str]:
    """Digests of layers with more than so many bytes, compressed, that nobody has read yet."""
    big = {str(layer.digest): layer.size for layer in layers if layer.size > over}
    if not big:
        return set()
    settled = Layer.objects.filter(digest__in=big).filter(Q(index__isnull=False) | ~Q(problem_code=""))
    columns = ("digest", "size", "problem_code", "problem_allowed")
    return set(big) - {
        digest
        for digest, size, code, allowed in settled.values_list(*columns)
        if not code or (size == big[digest] and not is_outgrown(code, allowed, settings.LIMITS))
    }


def wait_for_big_layers(digest: str) -> ScanProblem:
    """What a tag shows until the layers of its image are read."""
    return Unavailable(
        BIG_LAYERS,
        f"image {digest}: layers with more than {settings.HEAVY_LAYER_BYTES:,} bytes are being read apart",
        remedy="Wait until they are read. If this stays, see that a worker takes from the queue named heavy.",
    )


def queue_heavy(row: RepositoryScan) -> int | None:
    """Make the part that reads what an ended one left to it, inside the caller's transaction; return its id.

    One of the repository that nobody has begun is told of these tags instead, or there would be one more for each scan.
    """
    if row.heavy:
        return None
    waiting = Tag.objects.listed().filter(repository=row.repository_id, problem_code=BIG_LAYERS)
    if row.only_tags is not None:
        waiting = waiting.filter(name__in=row.only_tags)
    names = sorted(waiting.values_list("name", flat=True))
    if not names:
        return None
    return (
        _joined(row.repository_id, names)
        or RepositoryScan.objects.create(
            scan_id=row.scan_id, repository_id=row.repository_id, only_tags=names, heavy=True
        ).pk
    )


def _joined(repository_id: int, names: Iterable[str]) -> int | None:
    # As for pushes: a row that a worker is taking at this moment, or that has a cursor, does not see the new tags.
    queued = RepositoryScan.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        repository=repository_id, state=State.QUEUED, cursor="", lease_token=None, heavy=True
    )
    part = queued.order_by("pk").first()
    if part is None:
        return None
    part.only_tags = sorted({*(part.only_tags or ()), *names})
    part.save(update_fields=["only_tags"])
    return part.pk
