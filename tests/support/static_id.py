"""A static ``id``: what a container without a shell or a C library says about its own process.

It prints uid, gid, the supplementary groups the kernel holds, and HOME as hexadecimal bytes, because HOME
comes out of the image and may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.static_program import static_program

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


def static_id() -> bytes:
    """The program, compiled once."""
    return static_program(_SOURCE)


def parse_printed(line: str) -> Printed:
    uid, gid, groups, home = line.rstrip("\n").split(" ")
    held = frozenset(int(text) for text in groups.split(",") if text) - {int(gid)}
    return Printed(int(uid), int(gid), held, bytes.fromhex(home).decode("utf-8", "surrogateescape"))
