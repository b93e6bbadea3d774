"""Build the Dockerfiles of the articles with a real engine, start what came out, and push it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.engine import Engine
from tests.support.real_registry import RealRegistry
from tests.support.static_id import Printed, parse_printed, static_id

DOCKERFILES = Path(__file__).parent / "dockerfiles"
SCANS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Articles:
    """Image name → where it was pushed to, and what its container printed."""

    references: Mapping[str, str]
    printed: Mapping[str, Printed]


def names() -> list[str]:
    return sorted(path.name.removesuffix(".Dockerfile") for path in DOCKERFILES.iterdir())


def build_all(engine: Engine, registry: RealRegistry, context: Path) -> Articles:
    """Build, start and push every image.

    :param context: an empty folder that becomes the build context.
    """
    _fill(context)
    references, printed = {}, {}
    for name in names():
        reference = f"{registry.host}/built/{name}:latest"
        engine.build(context, reference, dockerfile=DOCKERFILES / f"{name}.Dockerfile")
        printed[name] = _start(engine, reference, context / "dosomething")
        engine.docker("push", reference)
        references[name] = reference
    return Articles(references, printed)


def _fill(context: Path) -> None:
    program = context / "dosomething"
    program.write_bytes(static_id())
    program.chmod(0o755)
    (context / "index.js").write_text("process.exit()\n")
    (context / "docker-entrypoint.sh").write_text("#!/bin/sh\nexec sleep 1d\n")


def _start(engine: Engine, image: str, program: Path) -> Printed:
    # Mounted rather than copied, so that the image under test is the article's and nothing else.
    options = ["--volume", f"{program}:/id:ro", "--entrypoint", "/id"]
    return parse_printed(engine.run(image, options=options))


def inspect_all(references: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What ``python -m scanner inspect --format json`` says of each."""
    with ThreadPoolExecutor(SCANS_AT_ONCE) as pool:
        return dict(zip(references, pool.map(inspect, references.values()), strict=True))


def inspect(reference: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "scanner", "inspect", reference, "--plain-http", "--format", "json"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 1, 2), done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found
