"""zstd:chunked as skopeo writes it into a real registry, read by range and whole."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.manifest import ImageManifest, parse_document
from scanner.domain.reference import RepositoryName, TagName
from scanner.filesystem.toc_check import Toc, difference
from scanner.inspection import fetch_layer_index, inspect
from scanner.inspection.lazy_reading import read_by_table
from scanner.sources.registry.client import RegistrySource
from tests.support.images import image, layer_from_tar
from tests.support.layers import Entry, File, Folder, HardLink, Symlink, tar_of
from tests.support.oci_layout import OciLayout
from tests.support.real_registry import running_registry
from tests.support.sources import local_source

APP, ONE = RepositoryName("team/app"), TagName("1")
PASSWD = b"root:x:0:0::/:/bin/sh\napp:x:1001:1001::/:/bin/sh\n"
NOISE = random.Random(3).randbytes(400_000)
ENTRIES: dict[str, Entry] = {
    "etc": Folder(),
    "etc/passwd": File(PASSWD),
    "etc/group": File(b"app:x:1001:\n"),
    "bin/run": File(b"\x7fELF" + NOISE, 0o4755, 3, 4),
    "bin/again": HardLink("bin/run"),
    "sh": Symlink("bin/run"),
    "café": File(b"x", 0o640, 70_000, 70_001),
}


@pytest.fixture
def pushed(tmp_path: Path) -> None:
    """Go ends an archive after two blocks of zeros, and skopeo 1.9 ends every archive like that."""
    tar = tar_of(ENTRIES)
    stored = image([layer_from_tar(tar.rstrip(b"\0").ljust(-(-len(tar.rstrip(b"\0")) // 512) * 512 + 1024, b"\0"))])
    OciLayout(tmp_path / "layout").tag(APP, ONE, stored)


def only_layer(source: RegistrySource) -> ImageManifest:
    document = source.document(APP, ONE)
    found = parse_document(document.body, document.media_type, DEFAULT_LIMITS)
    assert isinstance(found, ImageManifest)
    return found


def test_range_and_whole_reading_agree(pushed: None, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry") as registry, local_source(registry.url) as source:
        to = f"docker://{registry.url.removeprefix('http://')}/{APP}:{ONE}"
        command = ["skopeo", "copy", "--dest-tls-verify=false", "--dest-compress-format=zstd:chunked"]
        subprocess.run([*command, f"oci:{tmp_path}/layout:{APP}:{ONE}", to], check=True, capture_output=True)
        (descriptor,) = only_layer(source).layers

        whole = fetch_layer_index(source, APP, descriptor, None, DEFAULT_LIMITS)
        before = source.traffic.bytes
        table = read_by_table(source, APP, descriptor, whole.diff_id, DEFAULT_LIMITS)
        read = source.traffic.bytes - before

        (found,) = inspect(source, APP, ONE, platform=None, limits=DEFAULT_LIMITS).images
    assert table is not None
    assert difference(whole, table) == ""
    assert {table.path(node): bytes(table.contents[node]) for node in table.contents} == {
        b"etc/passwd": PASSWD,
        b"etc/group": b"app:x:1001:\n",
    }
    assert whole.toc == Toc(table.toc.digest if table.toc else "")
    assert read < 5_000 < len(NOISE) < descriptor.size
    assert found.facts is not None
    assert found.facts.ambiguities == ()
