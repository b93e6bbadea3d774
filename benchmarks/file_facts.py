"""What gathering facts of an image's files costs, on a Debian with an application: `python -m benchmarks.file_facts`.

Five layers, about 16,000 entries: Debian, 4,000 libraries, an account, 5,000 modules, a start script. Microseconds,
the best of some rounds, beside what the image costs anyway.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from scanner.domain.facts import GROUP, PASSWD, SHADOW
from scanner.domain.image_config import ImageConfig, Platform
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.filesystem.account_files import account_file
from scanner.filesystem.file_facts import file_facts
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.tree_ambiguities import tree_ambiguities
from scanner.storage import dump_facts, load_facts
from tests.support.archives import indexed
from tests.support.debian import base_archive
from tests.support.facts import facts
from tests.support.images import Entry, File, Folder, tar_of

_ROUNDS = 20
_CONFIG = ImageConfig(
    "app",
    Platform("linux", "amd64"),
    env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",),
    entrypoint=("/app/docker-entrypoint.sh",),
    cmd=("node", "server.js"),
    working_dir="/app",
    volumes=("/data",),
)


def main() -> None:
    """Print the figures."""
    indexes = [indexed(blob) for blob in (base_archive().read_bytes(), *map(tar_of, _application()))]
    tree = RootFs(indexes, DEFAULT_LIMITS)
    stored = [index.to_bytes() for index in indexes]
    accounts = {path: account_file(tree, path) for path in (PASSWD, GROUP, SHADOW)}
    passwd = accounts[PASSWD].as_read()
    files = file_facts(tree, _CONFIG, passwd)
    image = replace(facts(), config=_CONFIG, files=files, passwd=accounts[PASSWD], group=accounts[GROUP])
    written, without = dump_facts(image), dump_facts(replace(image, files=None))
    figures = {
        "nodes": sum(map(len, indexes)),
        "load_indexes": _best(lambda: [LayerIndex.from_bytes(data) for data in stored]),
        "account_files": _best(lambda: [account_file(RootFs(indexes, DEFAULT_LIMITS), path) for path in accounts]),
        "ambiguities": _best(lambda: tree_ambiguities(RootFs(indexes, DEFAULT_LIMITS))),
        "file_facts": _best(lambda: file_facts(RootFs(indexes, DEFAULT_LIMITS), _CONFIG, passwd)),
        "dump_facts": _best(lambda: dump_facts(image)),
        "load_facts": _best(lambda: load_facts(written)),
        "load_facts_without_files": _best(lambda: load_facts(without)),
        "bytes": len(written),
        "bytes_without_files": len(without),
    }
    print(json.dumps(figures))


def _application() -> list[dict[str, Entry]]:
    account = b"app:x:1000:1000::/home/app:/bin/sh\n"
    libraries: dict[str, Entry] = {
        f"usr/lib/python3/dist-packages/p{n // 40}/m{n}.py": File(b"x") for n in range(4_000)
    }
    modules: dict[str, Entry] = {f"app/node_modules/p{n // 12}/f{n}.js": File(b"x", uid=1000) for n in range(5_000)}
    return [
        libraries,
        {"etc/passwd": File(_debian_passwd() + account), "home/app": Folder(0o750, 1000, 1000)},
        {"app": Folder(0o755, 1000, 1000), **modules},
        {"app/server.js": File(uid=1000), "app/docker-entrypoint.sh": File(b"#!/bin/sh\n", 0o755)},
    ]


def _debian_passwd() -> bytes:
    base = indexed(base_archive().read_bytes())
    return account_file(RootFs([base], DEFAULT_LIMITS), PASSWD).content


def _best(work: Callable[[], object]) -> int:
    """Microseconds."""
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return round(min(taken) * 1e6)


if __name__ == "__main__":
    main()
