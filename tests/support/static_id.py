"""A static ``id``: what a container without a shell or a C library says about its own process.

It prints uid, gid, the supplementary groups the kernel holds, and HOME as hexadecimal bytes, because HOME
comes out of the image and may hold anything.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  static gid_t groups[65536];
  int count = getgroups(65536, groups);
  const char *home = getenv("HOME");
  printf("%u %u ", getuid(), getgid());
  for (int i = 0; i < count; i++) printf("%s%u", i ? "," : "", groups[i]);
  printf(" ");
  for (; home && *home; home++) printf("%02x", (unsigned char)*home);
  printf("\n");
  return 0;
}
"""


@dataclass(frozen=True, slots=True)
class Printed:
    """What one process said. ``groups`` are without the primary one: runc always adds that."""

    uid: int
    gid: int
    groups: frozenset[int]
    home: str


class CompilerMissing(Exception):
    """No C compiler that links statically; the message says how to get one."""


@cache
def static_id() -> bytes:
    """Compile the program.

    :raises CompilerMissing: with the command that installs what is missing.
    """
    with tempfile.TemporaryDirectory(prefix="plimsoll-id-") as folder:
        source, binary = Path(folder, "id.c"), Path(folder, "id")
        source.write_text(_SOURCE)
        command = ["gcc", "-static", "-Os", "-s", "-o", str(binary), str(source)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise CompilerMissing("Install a C compiler: apt-get install gcc libc6-dev") from problem
        return binary.read_bytes()


def parse_printed(line: str) -> Printed:
    uid, gid, groups, home = line.rstrip("\n").split(" ")
    held = frozenset(int(text) for text in groups.split(",") if text) - {int(gid)}
    return Printed(int(uid), int(gid), held, bytes.fromhex(home).decode("utf-8", "surrogateescape"))
