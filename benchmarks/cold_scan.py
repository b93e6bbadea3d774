"""A first scan beside ``curl`` fetching the same bytes: `python -m benchmarks.cold_scan [REPOSITORIES TAGS MEGABYTES]`.

Budget: at most 3 times the wall time of ``curl --parallel`` over the same unique blobs and manifests, with the
registry on the same cores; and less for a tag than ``skopeo inspect --config``, which reads no layer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.fleet import registry_with_fleet
from benchmarks.support.database import prepared_database
from benchmarks.support.skopeo import seconds_per_tag, told
from benchmarks.warm_scan import scan
from tests.support.real_registry import RealRegistry

_ACCEPT = "Accept: application/vnd.oci.image.manifest.v1+json"
_BUDGET = 3.0


def main(repositories: int = 40, tags: int = 25, megabytes: int = 90) -> int:
    """Fill, fetch, scan, print; the exit status says whether the budget was kept."""
    size = {"repositories": repositories, "tags": tags, "megabytes": megabytes}
    with prepared_database(), registry_with_fleet(**size) as registry:
        from django.core.management import call_command

        call_command("add_registry", "bench", registry.url, interval=0)
        urls = _urls(registry)
        peer = _fetch(urls)
        found = scan()
        names = [
            (f"team{number % 5}/service{number}", f"1.{tag}") for number in range(repositories) for tag in range(tags)
        ]
        skopeos = seconds_per_tag(registry.host, names)
    ratio, ours = found["seconds"] / peer, found["seconds"] / found["tags"]
    print(f"curl --parallel: {len(urls)} URLs in {peer:.1f} s")
    print(f"scan: {found['tags']} tags, {found['bytes'] / 1e6:.0f} MB in {found['seconds']:.1f} s")
    print(f"ratio {ratio:.2f} (budget {_BUDGET})")
    print(told(ours, skopeos))
    return 0 if ratio <= _BUDGET and ours < skopeos else 1


def _urls(registry: RealRegistry) -> list[str]:
    """Every manifest, and every blob once."""
    manifests: list[str] = []
    blobs: dict[str, str] = {}
    for name in _json(registry, "/v2/_catalog?n=1000")["repositories"]:
        for tag in _json(registry, f"/v2/{name}/tags/list")["tags"]:
            path = f"/v2/{name}/manifests/{tag}"
            manifests.append(registry.url + path)
            document = _json(registry, path)
            for part in (document["config"], *document["layers"]):
                blobs.setdefault(part["digest"], f"{registry.url}/v2/{name}/blobs/{part['digest']}")
    return manifests + list(blobs.values())


def _json(registry: RealRegistry, path: str) -> dict[str, Any]:
    header, _, value = _ACCEPT.partition(": ")
    found: dict[str, Any] = json.loads(registry.request("GET", path, headers={header: value}))
    return found


def _fetch(urls: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        lines = [f'url = "{url}"\noutput = "{Path(folder) / str(number)}"' for number, url in enumerate(urls)]
        config = Path(folder) / "curl.config"
        config.write_text("\n".join(lines))
        began = time.monotonic()
        command = [
            "curl",
            "--silent",
            "--fail",
            "--parallel",
            "--parallel-max",
            "8",
            "--no-progress-meter",
            "-H",
            _ACCEPT,
            "-K",
            str(config),
        ]
        subprocess.run(command, check=True)
        return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
