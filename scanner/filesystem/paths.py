"""Names in archives, cleaned as runtimes clean them. Paths are bytes; they become text only for show."""

from __future__ import annotations

import re

from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem, LimitExceeded

LONGEST_NAME = 255  # of one component, on every Linux file system: what has a longer one cannot be unpacked
_ODD = re.compile(rb"^/|//|(?:^|/)\.\.?(?:/|$)|/$")


def shown(path: bytes) -> str:
    """A path for people: absolute, with undecodable bytes escaped."""
    return "/" + path.decode("utf-8", "backslashreplace")


def clean(name: bytes, limits: Limits) -> bytes:
    """``./etc//passwd`` and ``/etc/passwd`` are ``etc/passwd``; the root itself is ``b""``.

    :raises ImageProblem: ``unsafe-path`` where the name climbs out of the root, ``name-too-long``.
    :raises LimitExceeded: ``path_bytes``, ``path_depth``.
    """
    if len(name) > limits.path_bytes:
        raise LimitExceeded("path_bytes", limits.path_bytes, len(name), subject=f"path {shown(name[:80])}…")
    if b"\0" in name:
        raise ImageProblem("unsafe-path", f"a name with a NUL byte: {name[:200]!r}")
    if _ODD.search(name):
        name = b"/".join(_parts(name))
    depth = name.count(b"/")
    if depth >= limits.path_depth:
        raise LimitExceeded("path_depth", limits.path_depth, depth + 1, subject=f"path {shown(name[:80])}…")
    if len(name) > LONGEST_NAME and max(map(len, name.split(b"/"))) > LONGEST_NAME:
        raise ImageProblem("name-too-long", f"no file system can hold a name this long: {shown(name[:80])}…")
    return name


def _parts(name: bytes) -> list[bytes]:
    rooted = name.startswith(b"/")
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            # moby refuses what climbs out, containerd clamps it: nobody can say what such a layer contains.
            if not parts and not rooted:
                raise ImageProblem("unsafe-path", f"a name leaves the root: {name[:200]!r}")
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return parts
