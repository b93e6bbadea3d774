"""May this process read, write, execute that? As the kernel decides it: ``inode_permission`` of Linux.

Owner class, else group class, else other: only the **first** class that matches counts, so a file of mode 0707 and
group 0 refuses every process in group 0. Every folder on the way must be searched. Access control lists are not in
images that registries serve and are not looked at, and neither is what a mount or a sysctl of the host adds
(``noexec``, ``fs.protected_symlinks``).

Sources: Linux ``acl_permission_check`` and ``generic_permission`` (``fs/namei.c``), ``do_open_execat`` and
``exec_binprm`` (``fs/exec.c``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from scanner.domain.files import Node, NodeKind, PermissionClass, Place, Program, ProgramForm, Walk, WalkState

_MOST_SCRIPTS = 5
"""``#!`` lines that may lead to scripts before the kernel gives up with ELOOP; seen with Linux 6.18."""

_ANY_EXECUTE = 0o111
_SEARCH = 1


class Access(IntFlag):
    """What a process wants, as the bits of a permission class."""

    EXECUTE = 1
    WRITE = 2
    READ = 4


MAKE_FILES = Access.WRITE | Access.EXECUTE
"""What a process needs of a folder to make, rename or remove files in it."""


@dataclass(frozen=True, slots=True)
class Process:
    """What the kernel compares with a node.

    :param uid: −1 for a uid that owns nothing at all.
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
    return _allows(node, process, int(wanted))


def _allows(node: Node, process: Process, needed: int) -> bool:
    # Numbers instead of flags: a fleet is judged with millions of these.
    if process.overrides:
        return not needed & _SEARCH or node.kind is NodeKind.FOLDER or bool(node.mode & _ANY_EXECUTE)
    shift = 6 if process.uid == node.uid else 3 if node.gid in process.gids else 0
    return (node.mode >> shift) & needed == needed


def denied(walk: Walk, process: Process, wanted: Access) -> Denied | None:
    """Why a process cannot do ``wanted`` at the end of a walk; ``None`` where it can."""
    for folder in walk.through:
        if not _allows(folder.node, process, _SEARCH):
            return Denied(folder.path, folder, Access.EXECUTE)
    if walk.state is not WalkState.FOUND or walk.place is None:
        return Denied(walk.resolved, None, None)
    if not _allows(walk.place.node, process, int(wanted)):
        return Denied(walk.place.path, walk.place, wanted)
    return None


def reaches(entries: PermissionClass, process: Process, wanted: Access) -> bool:
    """Whether a process can do ``wanted`` with the entries of a class, once it has reached the tree's root."""
    return stopped_at(entries, process, wanted) is None


def stopped_at(entries: PermissionClass, process: Process, wanted: Access) -> Node | None:
    """What refuses a process the entries of a class: a folder above them or they themselves; ``None`` for nothing."""
    if process.overrides:
        return None if _allows(entries.node, process, int(wanted)) else entries.node
    uid, gids = process.uid, process.gids
    # Written out once more: a fleet has more of these than of everything else together.
    for folder in entries.above:
        if not (folder.mode >> (6 if uid == folder.uid else 3 if folder.gid in gids else 0)) & _SEARCH:
            return folder
    return None if _allows(entries.node, process, int(wanted)) else entries.node


def not_executable(program: Program, process: Process) -> Denied | None:
    """Why executing fails; ``None`` where it does not. A script must be readable, its interpreter executable.

    ``execve`` itself does not mind a script that cannot be read; its interpreter does. That a file is executable says
    nothing about its content: see ``Program.form``.
    """
    scripts = 0
    while True:
        problem = _not_executable_itself(program, process)
        if problem is not None or program.interpreter is None:
            return problem
        if program.form is not ProgramForm.SCRIPT:
            return _not_executable_itself(program.interpreter, process)
        scripts += 1
        if scripts > _MOST_SCRIPTS:
            return Denied(program.walk.resolved, program.walk.place, Access.EXECUTE)
        program = program.interpreter


def _not_executable_itself(program: Program, process: Process) -> Denied | None:
    problem = denied(program.walk, process, Access.EXECUTE)
    if problem is not None:
        return problem
    place = program.walk.place
    if place is not None and place.node.kind is not NodeKind.FILE:
        return Denied(place.path, place, Access.EXECUTE)
    return denied(program.walk, process, Access.READ) if program.form is ProgramForm.SCRIPT else None
