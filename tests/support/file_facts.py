"""Facts about files of invented images: a tree written down as ``{path: (mode, uid, gid)}``; folders end in ``/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scanner.domain.files import (
    EntryPoint,
    FileFacts,
    Node,
    NodeKind,
    PermissionClass,
    Place,
    PrivilegedFile,
    Program,
    ProgramForm,
    Tree,
    Walk,
    WalkState,
)

Permissions = tuple[int, int, int]
Paths = Mapping[str, Permissions]


class House:
    """An invented tree without links, and what is kept of it."""

    def __init__(self, paths: Paths) -> None:
        self.nodes = {"/": Node(NodeKind.FOLDER, 0o755, 0, 0)}
        for path, (mode, uid, gid) in paths.items():
            kind = NodeKind.FOLDER if path.endswith("/") else NodeKind.FILE
            self.nodes[path.rstrip("/") or "/"] = Node(kind, mode, uid, gid)

    def walk(self, path: str) -> Walk:
        """The walk to a path; it ends where something is missing."""
        through: list[Place] = []
        at = "/"
        for part in [part for part in path.split("/") if part]:
            through.append(Place(at, self.nodes[at]))
            at = f"{at.rstrip('/')}/{part}"
            if at not in self.nodes:
                return Walk(path, WalkState.MISSING, at, tuple(through))
        return Walk(path, WalkState.FOUND, at, tuple(through), Place(at, self.nodes[at], 0))

    def program(self, path: str, form: ProgramForm = ProgramForm.ELF, interpreter: Program | None = None) -> Program:
        """What executing a path needs."""
        needs = "" if interpreter is None else interpreter.walk.path
        return Program(self.walk(path), form, needs, interpreter)

    def tree(self, path: str, *, complete: bool = True) -> Tree:
        """Everything below a folder, each entry a class of its own."""
        below = [found for found in self.nodes if found.startswith(f"{path}/")]
        classes = tuple(PermissionClass(self.nodes[found], self._above(path, found), 1, (found,)) for found in below)
        return Tree(path, classes, len(below), complete)

    def facts(
        self,
        *walked: str,
        trees: Sequence[Tree] = (),
        command: EntryPoint | None = None,
        privileged: Sequence[PrivilegedFile] = (),
    ) -> FileFacts:
        """What is kept where these paths were walked, ``/`` and the folders for temporary files besides."""
        always = ("/", "/tmp", "/var/tmp")  # paths of an invented image
        return FileFacts(
            walks={path: self.walk(path) for path in (*always, *walked)},
            trees=tuple(trees),
            entry_point=command,
            privileged=tuple(privileged),
            privileged_total=len(privileged),
        )

    def _above(self, top: str, path: str) -> tuple[Node, ...]:
        folders = [found for found in self.nodes if path.startswith(f"{found}/") and f"{found}/".startswith(f"{top}/")]
        return tuple(self.nodes[found] for found in folders)


def command(*candidates: Program, argv: Sequence[str] = ()) -> EntryPoint:
    """The command of an image; by default the path of its first candidate."""
    return EntryPoint(tuple(argv) or (candidates[0].walk.path,), (), candidates)
