"""Scan a fleet in Debian's registry twice: `python -m benchmarks.warm_scan [REPOSITORIES TAGS MEGABYTES]`.

Budget: the second scan, of which nothing changed, makes at most one request per tag plus listing. ``manage.py scan
--wait --json`` does the work, so the figures are the ones an operator sees.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.fleet import registry_with_fleet
from benchmarks.support.database import prepared_database

_NAME = "bench"


def main(repositories: int = 40, tags: int = 25, megabytes: int = 8) -> int:
    """Fill, scan twice, print; the exit status says whether the budget was kept."""
    size = {"repositories": repositories, "tags": tags, "megabytes": megabytes}
    with prepared_database(), registry_with_fleet(**size) as registry:
        from django.core.management import call_command

        call_command("add_registry", _NAME, registry.url, interval=0)
        cold, warm = scan(), scan()
    allowed = repositories * tags + repositories + 1
    for label, found in (("first scan", cold), ("second scan", warm)):
        print(
            f"{label}: {found['repositories']} repositories, {found['tags']} tags, {found['seconds']:.1f} s, "
            f"{found['requests']} requests, {found['bytes']} bytes, {found['layers_indexed']} layers indexed"
        )
    print(f"second scan: {warm['requests']} requests of {allowed} allowed; ratio {warm['requests'] / allowed:.2f}")
    return 0 if warm["requests"] <= allowed else 1


def scan() -> dict[str, Any]:
    """Run the command as an operator does, and read what it prints."""
    command = [sys.executable, "manage.py", "scan", _NAME, "--wait", "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
