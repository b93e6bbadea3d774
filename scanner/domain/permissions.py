"""May this process read, write, execute that? As the kernel decides it: ``inode_permission`` of Linux.

Owner class, else group class, else other: only the **first** class that matches counts, so a file of mode 0707 and
group 0 refuses every process in group 0. Every folder on the way must be searched. Access control lists are not in
images that registries serve and are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from scanner.domain.files import Node, NodeKind, PermissionClass, Place, Program, ProgramForm, Walk, WalkState

_MOST_INTERPRETERS = 5
"""``#!`` lines that lead to scripts again; the kernel gives up behind that (``BINPRM`` depth)."""


class Access(IntFlag):
    """What a process wants, as the bits of a permission class."""

    EXECUTE = 1
    WRITE = 2
    READ = 4


@dataclass(frozen=True, slots=True)
class Process:
    """What the kernel compares with a node.

    :param gids: primary and supplementary.
    :param overrides: CAP_DAC_OVERRIDE in the effective set: root, unless its capabilities were dropped.
    """

    uid: int
    gids: frozenset[int]
    overrides: bool = False


@dataclass(frozen=True, slots=True)
class Denied:
    """Why not: the place that refuses, or ``None`` where nothing stands, and what it refuses."""

    path: str
    place: Place | None
    wanted: Access | None


def allows(node: Node, process: Process, wanted: Access) -> bool:
    """Whether a node's own permissions let the process do all of ``wanted``."""
    if process.overrides:
        return not (wanted & Access.EXECUTE and node.kind is not NodeKind.FOLDER and not node.mode & 0o111)
    return (node.mode >> _shift(node, process)) & wanted == wanted


def _shift(node: Node, process: Process) -> int:
    if process.uid == node.uid:
        return 6
    return 3 if node.gid in process.gids else 0


def denied(walk: Walk, process: Process, wanted: Access) -> Denied | None:
    """Why a process cannot do ``wanted`` at the end of a walk; ``None`` where it can."""
    for folder in walk.through:
        if not allows(folder.node, process, Access.EXECUTE):
            return Denied(folder.path, folder, Access.EXECUTE)
    if walk.state is not WalkState.FOUND or walk.place is None:
        return Denied(walk.resolved, None, None)
    if not allows(walk.place.node, process, wanted):
        return Denied(walk.place.path, walk.place, wanted)
    return None


def reaches(entries: PermissionClass, process: Process, wanted: Access) -> bool:
    """Whether a process can do ``wanted`` with the entries of a class, once it has reached the tree's root."""
    return all(allows(folder, process, Access.EXECUTE) for folder in entries.above) and allows(
        entries.node, process, wanted
    )


def not_executable(program: Program, process: Process, depth: int = 0) -> Denied | None:
    """Why ``execve`` fails; ``None`` where it does not. A script must be readable, its interpreter executable.

    That a file is executable says nothing about its content: see ``Program.form``.
    """
    problem = denied(program.walk, process, Access.EXECUTE)
    if problem is None and program.walk.place is not None and program.walk.place.node.kind is not NodeKind.FILE:
        problem = Denied(program.walk.place.path, program.walk.place, Access.EXECUTE)
    if problem is None and program.form is ProgramForm.SCRIPT:
        problem = denied(program.walk, process, Access.READ)
    if problem is None and program.interpreter is not None:
        if depth >= _MOST_INTERPRETERS:
            return Denied(program.walk.resolved, program.walk.place, Access.EXECUTE)
        return not_executable(program.interpreter, process, depth + 1)
    return problem
