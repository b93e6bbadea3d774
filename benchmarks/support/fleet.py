"""A fleet of images on one base, in Debian's registry: what the benchmarks scan."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.images import Entry, File, Folder, Layer, Stored, image, layer
from tests.support.real_registry import RealRegistry, running_registry

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n"
_FILES_PER_MEGABYTE = 80


def base_layer(megabytes: int) -> Layer:
    """A root file system of about that compressed size, with as many files as Debian has for it."""
    source = random.Random(7)
    entries: dict[str, Entry] = {"etc": Folder(), "etc/passwd": File(PASSWD), "etc/group": File(b"app:x:1001:\n")}
    for number in range(megabytes * _FILES_PER_MEGABYTE):
        name = f"usr/share/part{number % 50}/file{number}"
        entries[name] = File(source.randbytes(1024 * 1024 // _FILES_PER_MEGABYTE))
    return layer(entries)


def fleet(registry: RealRegistry, *, repositories: int, tags: int, megabytes: int) -> None:
    """Push it: every image has the base and a small layer of its own."""
    base = base_layer(megabytes)
    first = "team0/service0"
    registry.push_blob(first, base.blob)
    for number in range(repositories):
        name = f"team{number % 5}/service{number}"
        if name != first:  # a push of a base that is there already is a mount
            registry.request("POST", f"/v2/{name}/blobs/uploads/?mount={base.digest}&from={first}")
        for tag in range(tags):
            stored = _build(base, number, tag)
            for digest, content in stored.blobs.items():
                if digest != base.digest:
                    registry.push_blob(name, content)
            registry.push_manifest(name, f"1.{tag}", stored.body, stored.media_type)


def _build(base: Layer, number: int, tag: int) -> Stored:
    own = layer({f"srv/app/{number}/{tag}": File(f"{number}.{tag}".encode())})
    user = ("", "app", "1001", "10001:10001")[tag % 4]
    return image([base, own], user=user)


@contextmanager
def registry_with_fleet(*, repositories: int, tags: int, megabytes: int) -> Iterator[RealRegistry]:
    """Debian's registry, filled, on a free port."""
    with tempfile.TemporaryDirectory() as folder, running_registry(Path(folder)) as registry:
        fleet(registry, repositories=repositories, tags=tags, megabytes=megabytes)
        yield registry
