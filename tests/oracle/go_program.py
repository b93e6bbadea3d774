"""Programs in Go that say what Go's standard library makes of something: built from source, asked once for all."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path


def ask_go(name: str, questions: Sequence[bytes], folder: Path) -> list[str]:
    """Build ``tests/oracle/NAME/main.go`` and return its line for each question.

    Building the standard library for the first time takes a minute.
    """
    program = folder / "oracle"
    settings = {"GOCACHE": str(folder / "cache"), "GOPATH": str(folder), "GO111MODULE": "off", "GOFLAGS": ""}
    source = Path(__file__).parent / name / "main.go"
    build = ["go", "build", "-o", str(program), str(source)]
    subprocess.run(build, check=True, env={**os.environ, **settings}, cwd=folder, timeout=240)
    framed = b"".join(struct.pack("<I", len(one)) + one for one in questions)
    done = subprocess.run([program], input=framed, capture_output=True, check=True, timeout=120)
    return done.stdout.decode().splitlines()
