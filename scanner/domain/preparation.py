"""What an engine does to a container's folders before the command runs, and where that fails.

It goes to WORKDIR, which it makes where it is missing, and mounts a volume at each VOLUME. Nothing can be made or
mounted where something else than a folder stands, whoever the process is. The words are those of Docker and runc, seen
with a real engine; containerd and CRI-O fail in the same places.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.facts import ImageFacts
from scanner.domain.files import NodeKind, Walk, WalkState, absolute
from scanner.domain.printable import printable


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a container never starts.

    :param path: WORKDIR or a VOLUME, as the config has it.
    """

    path: str
    said: str


def obstacle(facts: ImageFacts) -> Obstacle | None:
    """What keeps an engine from preparing the folders; ``None`` where nothing does, or nobody looked at files."""
    workdir = facts.config.working_dir
    if workdir and not workdir.startswith("/"):
        return Obstacle(workdir, "Cwd must be an absolute path")
    if facts.files is None:
        return None
    for path in (workdir or "/", *facts.config.volumes):
        walk = facts.files.walk(path)
        said = "" if walk is None else _in_the_way(walk, volume=path != workdir)
        if said:
            return Obstacle(path, said)
    return None


def _in_the_way(walk: Walk, *, volume: bool) -> str:
    shown = printable(absolute(walk.path), longest=300)
    if walk.state is WalkState.LINK_LOOP:
        return f"evalSymlinksInScope: too many links in {shown}"
    if walk.state is WalkState.NOT_A_FOLDER:
        return f"lstat {shown}: not a directory"
    if walk.place is None or walk.place.node.kind is NodeKind.FOLDER:
        return ""
    if volume:
        return f"cannot mount volume over existing file, file exists {shown}"
    return f"Cannot mkdir: {shown} is not a directory"
