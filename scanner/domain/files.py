"""What the layers say of paths: kinds, owners, modes, and the way there. Never an opinion.

Enough is kept to answer *may this process read, write or execute that?* for **any** uid and groups, long after the
layers are gone: a path is kept with every folder that has to be searched on the way, a tree as its few combinations of
owners and modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class NodeKind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    DEVICE = "device"
    FIFO = "fifo"


@dataclass(frozen=True, slots=True)
class Node:
    """Owner and permissions of one thing.

    :param mode: the lower twelve bits, setuid, setgid and sticky among them.
    """

    kind: NodeKind
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """A node and where it stands: absolute, links resolved."""

    path: str
    node: Node
    layer: int | None = None


class WalkState(StrEnum):
    """How walking to a path ended."""

    FOUND = "found"
    MISSING = "missing"  # nothing stands there; a dangling link too
    NOT_A_FOLDER = "not_a_folder"  # something that is no folder stands in the way
    LINK_LOOP = "link_loop"  # more than 40 hops


@dataclass(frozen=True, slots=True)
class Walk:
    """A path as a process in the container walks it.

    :param path: as asked for, absolute.
    :param resolved: where it ended, after links: of a missing path, the first part that is not there.
    :param through: every folder that must be searched, in order from the root, each once; those passed on the way
        along links count too. The place it ends at is not among them.
    :param place: what stands at its end; ``None`` unless *found*.
    """

    path: str
    state: WalkState
    resolved: str
    through: tuple[Place, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PermissionClass:
    """All entries of a tree that no process can tell apart by permissions.

    :param above: the folders of the tree above them, its root included, each combination of owner and mode once.
    :param examples: paths of at most three of them, absolute.
    """

    node: Node
    above: tuple[Node, ...]
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """Everything below a folder; symlinks, which have no permissions, left out.

    :param path: of the folder, links resolved.
    :param complete: ``False`` where a limit ended the count: what is not here may be anything.
    """

    path: str
    classes: tuple[PermissionClass, ...]
    entries: int
    complete: bool = True


class ProgramForm(StrEnum):
    """What the kernel makes of a file's first bytes."""

    ELF = "elf"
    SCRIPT = "script"  # starts with ``#!``
    OTHER = "other"  # the kernel refuses it with ENOEXEC
    UNREAD = "unread"  # not a regular file, or its first bytes were not kept


@dataclass(frozen=True, slots=True)
class Program:
    """A file somebody wants to execute.

    :param needs: the interpreter of a script or the loader of an ELF file, as written there; ``""`` for none.
    :param interpreter: where ``needs`` leads, walked as the kernel does.
    """

    walk: Walk
    form: ProgramForm
    needs: str = ""
    interpreter: Program | None = None


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """The command of the image: Entrypoint followed by Cmd.

    :param searched: folders of PATH in order, where the command has no slash.
    :param candidates: what stands at the command in those folders, in order; one where the command has a slash.
    """

    argv: tuple[str, ...]
    searched: tuple[str, ...]
    candidates: tuple[Program, ...]


@dataclass(frozen=True, slots=True)
class PrivilegedFile:
    """An executable with setuid, setgid or file capabilities.

    :param capability: the raw ``security.capability`` attribute; empty for none.
    """

    place: Place
    capability: bytes = b""


@dataclass(frozen=True, slots=True)
class SudoersFile:
    """A file sudo reads; ``content`` is ``None`` where it was too large to keep."""

    place: Place
    content: bytes | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """All that is kept of an image's files.

    :param walks: by path as asked, ``absolute``: ``/``, HOME of the environment, homes of at most 64 accounts (that of
        the account USER names first), WORKDIR, VOLUMEs, ``/tmp``, ``/var/tmp``, ``/run``, ``/etc/passwd``,
        ``/etc/group``, ``/etc/shadow``. Look them up with ``walk``.
    :param trees: below WORKDIR, HOME, VOLUMEs and the folder of the entrypoint, system folders left out. Look them up
        with ``tree``.
    :param entry_point: ``None`` where the image has no command, or nobody could look it up.
    :param privileged: the first 1,000 by path; ``privileged_total`` says how many there are, never too few. The same
        for ``world_writable``, the first 200: folders, files and FIFOs everybody may write, outside sticky folders.
    :param highest_uid: one place with the largest owner of all layers' entries, hidden ones too: who unpacks a layer
        has to map its owners. The same for ``highest_gid``.
    :param tools: programs that start others, some as another user, by path: gosu, su-exec, setpriv, s6, tini.
    """

    walks: Mapping[str, Walk] = field(default_factory=dict)
    trees: tuple[Tree, ...] = ()
    entry_point: EntryPoint | None = None
    privileged: tuple[PrivilegedFile, ...] = ()
    privileged_total: int = 0
    world_writable: tuple[Place, ...] = ()
    world_writable_total: int = 0
    sudoers: tuple[SudoersFile, ...] = ()
    highest_uid: Place | None = None
    highest_gid: Place | None = None
    tools: tuple[str, ...] = ()

    def walk(self, path: str) -> Walk | None:
        """The walk to a path, however it is written; ``None`` where nobody walked it, which says nothing of it."""
        return self.walks.get(absolute(path))

    def tree(self, path: str) -> Tree | None:
        """The tree below a folder, links followed; ``None`` where it was not looked at."""
        walk = self.walk(path)
        resolved = walk.resolved if walk is not None else absolute(path)
        return next((tree for tree in self.trees if tree.path == resolved), None)


def absolute(path: str) -> str:
    """A path as runtimes clean it: relative ones begin at the root, ``.``, ``..`` and double slashes are gone."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
