"""A real worker, and a layer that no child of it can read within its memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.models import Image, Registry, Scan, Tag
from tests.compliance.test_durability import REPOSITORIES, TAGS, _begin, _ended, _until, registry
from tests.hostile.case import zstd_frame
from tests.support.archives import END, member
from tests.support.images import image
from tests.support.layers import OCI_LAYER, Layer
from tests.support.oci_layout import OciLayout
from tests.support.workers import worker

__all__ = ["registry"]

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

MEMORY = 96 * 1024 * 1024
ARCHIVE = member(b"data", bytes(1 << 20)) + END
HUNGRY = Layer(ARCHIVE, zstd_frame(ARCHIVE, window_log=27), f"{OCI_LAYER}+zstd")
"""Unpacking it takes a window of 128 MiB."""


def _pool(process: int) -> set[int]:
    """The worker's processes: beat, and those that scan."""
    return set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def test_the_worker_outlives_what_its_children_do_not(
    registry: Registry, demo_layout: OciLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo_layout.tag("team/app0", "poison", image([HUNGRY], user="1001"))
    monkeypatch.setenv("PLIMSOLL_CHILD_MEMORY_BYTES", str(MEMORY))
    with worker(tmp_path) as process:
        _begin(registry)
        _until(lambda: Tag.objects.exists())
        before = _pool(process.pid)
        _until(_ended)
        after = _pool(process.pid)

    assert before == after != set()
    assert Image.objects.exclude(problem_code="").values_list("problem_code", flat=True).get() == "scanner-memory"
    assert (Scan.objects.get().repositories_failed, Tag.objects.count()) == (0, REPOSITORIES * TAGS + 1)
    assert set(Tag.objects.exclude(name="poison").values_list("verdict", flat=True)) == {"pass", "fail"}
