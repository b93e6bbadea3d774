"""A static program that says of paths what its own process can do there: by trying, as the kernel decides it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.static_program import static_program

# As interpreter of a script it opens the script first, as every interpreter does.
_SOURCE = r"""
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void probe(const char *path) {
  char name[4096];
  DIR *folder = opendir(path);
  snprintf(name, sizeof name, "%s/.probe", path);
  int made = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (made >= 0) { close(made); unlink(name); }
  printf("%s\t%c%c\n", path, folder ? 'r' : '-', made >= 0 ? 'w' : '-');
}
int main(int count, char **words) {
  if (count > 1 && open(words[count - 1], O_RDONLY) < 0) return 126;
  probe(".");
  for (char *path = strtok(getenv("PROBE"), ":"); path; path = strtok(NULL, ":")) probe(path);
  return 0;
}
"""


def static_probe() -> bytes:
    """The program, compiled once; it looks at ``.`` and at the paths in the variable PROBE, with colons between."""
    return static_program(_SOURCE)


def parse_probed(lines: str) -> Mapping[str, str]:
    """What it can do, by path: ``rw``, ``r-``, ``-w`` or ``--``."""
    return dict(line.split("\t") for line in lines.splitlines())
