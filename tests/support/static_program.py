"""Programs in C for containers that have no C library."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path


class CompilerMissing(Exception):
    """No C compiler that links statically; the message says how to get one."""


@cache
def static_program(source: str) -> bytes:
    """Compile a program of one file.

    :raises CompilerMissing: with the command that installs what is missing.
    """
    with tempfile.TemporaryDirectory(prefix="plimsoll-program-") as folder:
        text, binary = Path(folder, "program.c"), Path(folder, "program")
        text.write_text(source)
        command = ["gcc", "-static", "-Os", "-s", "-o", str(binary), str(text)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise CompilerMissing("Install a C compiler: apt-get install gcc libc6-dev") from problem
        return binary.read_bytes()
