"""The demo registry and the story of its sixty days.

python -m tests.support.demo serve --folder DIR --port N     until told to stop
python -m tests.support.demo fill --folder DIR [--day N]      write the story up to a day, without scanning
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import django

from compliance.localstack.environment import LOCAL, LocalEnvironment
from tests.support.demo.story import DAYS, Story, apply
from tests.support.demo_registry import DemoRegistry
from tests.support.oci_layout import OciLayout

USERNAME = PASSWORD = "demo"
FOLDER = LOCAL / "demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status is 0 when it was done."""
    given = _parser().parse_args(arguments)
    commands = {"serve": _serve, "fill": _fill, "replay": _replay}
    return commands[given.command](given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.support.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help=f"a registry over the folder; user and password are {USERNAME!r}")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free one")
    fill = commands.add_parser("fill", help="write the story's images and tags, without scanning")
    fill.add_argument("--day", type=int, default=DAYS, help=f"the last day to write, 1 to {DAYS}")
    replay = commands.add_parser("replay", help="write and scan day after day what was not played yet")
    replay.add_argument("--days", type=int, default=DAYS, help="how many of the last days to scan one by one")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("--registry-url", metavar="URL", help="where the folder is served; added when unknown")
    which.add_argument("--registry", metavar="NAME", help="the same, by the name it was added under")
    for command in (serve, fill, replay):
        command.add_argument("--folder", type=Path, default=FOLDER, help="an OCI layout, made where there is none")
    return parser


def _serve(given: argparse.Namespace) -> int:
    OciLayout(given.folder)
    registry = DemoRegistry(given.folder, address=("127.0.0.1", given.port), username=USERNAME, password=PASSWORD)
    registry.records = False
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write(f"{registry.url}\n")
    sys.stdout.flush()
    try:
        registry.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


def _fill(given: argparse.Namespace) -> int:
    layout, story = OciLayout(given.folder), Story(datetime.now(UTC).date())
    for day in range(1, given.day + 1):
        apply(layout, story.changes_on(day))
    sys.stdout.write(f"{len(layout.tags())} tags\n")
    return 0


def _replay(given: argparse.Namespace) -> int:
    local = LocalEnvironment()
    os.environ.update(local.complete())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compliance.project.settings")
    django.setup()
    # Models cannot be imported before this point.
    from tests.support.demo import company, replay

    say, clock = partial(print, flush=True), partial(datetime.now, UTC)
    try:
        named = given.registry
        row = replay.find_registry(named) if named else replay.demo_registry(given.registry_url, clock())
        replay.replay(given.folder, row, days=given.days, clock=clock, say=say)
        for line in company.hand_out_keys():
            say(line)
    except replay.ReplayFailed as problem:
        say(str(problem))
        return 1
    finally:
        local.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
