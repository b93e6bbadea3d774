"""``/etc/passwd`` and ``/etc/group`` as moby/sys ``user`` reads them: leniently, first match first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PasswdEntry:
    """One line. ``uid`` and ``gid`` are as parsed (0 where the field is not a number), not yet 32 bits wide.

    :param line: 1-based line number in the file.
    :param text: the line's bytes, decoded for show with ``surrogateescape``.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """One line of ``/etc/group``."""

    name: str
    gid: int
    members: tuple[str, ...]
    line: int
    text: str
