"""Count what one repository's part of a scan has done, in one statement that a lost lease turns into nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from compliance.models import LeaseLost, RepositoryScan
from compliance.services.write_tags import Written


@dataclass(slots=True, kw_only=True)
class Progress:
    """What was done since the last call.

    :param saved: bytes that tables of contents spared, of layers that were not read whole.
    :param known: how many tags led to a digest we had.
    :param tags_total: how many tags the registry lists; ``None`` leaves the number.
    :param tags_done: how many tags of the repository are done by now; ``None`` leaves the number.
    :param cursor: the last tag of a batch that is complete.
    """

    requests: int = 0
    bytes: int = 0
    saved: int = 0
    layers: int = 0
    known: int = 0
    tags_total: int | None = None
    tags_done: int | None = None
    cursor: str | None = None


def record_progress(
    pk: int, token: uuid.UUID, progress: Progress, *, images_new: int = 0, written: Written | None = None
) -> None:
    """Add to the counters.

    :raises LeaseLost: when another worker has the row, or it was cancelled.
    """
    changed = written or Written()
    added = {
        "images_new": images_new,
        "layers_indexed": progress.layers,
        "requests": progress.requests,
        "bytes": progress.bytes,
        "bytes_saved": progress.saved,
        "cache_hits": progress.known,
        "new": changed.new,
        "fixed": changed.fixed,
        "regressed": changed.regressed,
    }
    known = {"tags_total": progress.tags_total, "tags_done": progress.tags_done, "cursor": progress.cursor}
    values: dict[str, Any] = {name: F(name) + count for name, count in added.items() if count}
    values |= {name: value for name, value in known.items() if value is not None}
    # Something is stored that the next worker need not do again, so a crash after this is not the same crash.
    if progress.cursor is not None or images_new or progress.layers:
        values["attempts"] = 1
    if values and RepositoryScan.objects.filter(pk=pk, lease_token=token).update(**values) != 1:
        raise LeaseLost
