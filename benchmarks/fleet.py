"""A fleet of images on one base, in Debian's registry: what the benchmarks scan.

    python -m benchmarks.fleet [REPOSITORIES TAGS MEGABYTES]            how long it takes to make one
    python -m benchmarks.fleet REPOSITORIES TAGS MEGABYTES --serve      and serve it until Ctrl-C

Beside it, in the same run: copying the files that the registry has stored.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.images import Entry, File, Folder, Layer, Stored, image, layer
from tests.support.real_registry import RealRegistry, running_registry

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n"
_FILES_PER_MEGABYTE = 80


def base_layer(megabytes: int, seed: int = 7) -> Layer:
    """A root file system of about that compressed size, with as many files as Debian has for it."""
    source = random.Random(seed)
    entries: dict[str, Entry] = {"etc": Folder(), "etc/passwd": File(PASSWD), "etc/group": File(b"app:x:1001:\n")}
    for number in range(megabytes * _FILES_PER_MEGABYTE):
        name = f"usr/share/part{number % 50}/file{number}"
        entries[name] = File(source.randbytes(1024 * 1024 // _FILES_PER_MEGABYTE))
    return layer(entries)


def main() -> int:
    """Make one, print what it took, and serve it where that is wanted."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder, running_registry(Path(folder)) as registry:
        began = time.monotonic()
        digests = fleet(registry, repositories=options.repositories, tags=options.tags, megabytes=options.megabytes)
        seconds = time.monotonic() - began
        peer = _copy(Path(folder) / "data")
        print(f"{options.repositories} repositories, {len(digests)} tags in {seconds:.1f} s")
        print(f"cp -r of what is stored: {peer:.1f} s; ratio {seconds / peer:.2f}")
        if options.serve:
            print(f"at {registry.url} until Ctrl-C", flush=True)
            threading.Event().wait()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("repositories", 10), ("tags", 25), ("megabytes", 8)):
        parser.add_argument(name, type=int, nargs="?", default=default)
    parser.add_argument("--serve", action="store_true")
    return parser.parse_args()


def _copy(folder: Path) -> float:
    with tempfile.TemporaryDirectory() as other:
        began = time.monotonic()
        shutil.copytree(folder, Path(other) / "data")
        return time.monotonic() - began


def fleet(
    registry: RealRegistry, *, repositories: int, tags: int, megabytes: int, seed: int = 7
) -> dict[tuple[str, str], str]:
    """Push it: every image has the base and a small layer of its own; return digests by repository and tag."""
    base = base_layer(megabytes, seed)
    first = "team0/service0"
    registry.push_blob(first, base.blob)
    digests = {}
    for number in range(repositories):
        name = f"team{number % 5}/service{number}"
        if name != first:  # a push of a base that is there already is a mount
            registry.request("POST", f"/v2/{name}/blobs/uploads/?mount={base.digest}&from={first}")
        for tag in range(tags):
            stored = _build(base, number, tag)
            for digest, content in stored.blobs.items():
                if digest != base.digest:
                    registry.push_blob(name, content)
            digests[name, f"1.{tag}"] = registry.push_manifest(name, f"1.{tag}", stored.body, stored.media_type)
    return digests


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


if __name__ == "__main__":
    sys.exit(main())
