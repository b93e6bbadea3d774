"""Serve a layout until told to stop: ``python -m tests.support.demo_registry --layout DIR --port N``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from tests.support.demo_registry.server import DemoRegistry


def main() -> None:
    """Print the address once it answers, then serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.demo_registry", description=__doc__)
    parser.add_argument("--layout", type=Path, required=True, help="OCI layout folder; refs are repository:tag")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--auth", choices=("bearer", "basic", "none"), default="bearer")
    parser.add_argument("--username", help="anonymous tokens are given out where there is none")
    parser.add_argument(
        "--password", default=os.environ.get("DEMO_REGISTRY_PASSWORD"), help="or DEMO_REGISTRY_PASSWORD"
    )
    given = parser.parse_args()
    if not (given.layout / "index.json").is_file():
        parser.error(f"{given.layout} is no OCI layout: it has no index.json")
    registry = DemoRegistry(
        given.layout,
        address=(given.host, given.port),
        auth=given.auth,
        username=given.username,
        password=given.password,
    )
    registry.records = False
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write(f"{registry.url}\n")
    sys.stdout.flush()
    try:
        registry.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
