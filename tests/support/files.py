"""Facts about the files of invented images, for tests that need no bytes.

A folder is written like ``ls -l`` does it: ``node("drwxr-x---", 0, 1001)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scanner.domain.facts import ImageFacts
from scanner.domain.files import (
    EntryPoint,
    FileFacts,
    Node,
    NodeKind,
    PermissionClass,
    Place,
    Program,
    ProgramForm,
    Tree,
    Walk,
    WalkState,
    absolute,
)
from tests.support.facts import facts

_KINDS = {"-": NodeKind.FILE, "d": NodeKind.FOLDER, "l": NodeKind.SYMLINK, "c": NodeKind.DEVICE, "p": NodeKind.FIFO}
ROOT_FOLDER = Node(NodeKind.FOLDER, 0o755, 0, 0)

Files = Mapping[str, Node]


def node(listing: str, uid: int = 0, gid: int = 0) -> Node:
    """What ``ls -l`` shows as ``drwxr-xr-x``; ``s``, ``S``, ``t`` and ``T`` are understood."""
    bits = sum(1 << (8 - at) for at, letter in enumerate(listing[1:]) if letter in "rwxst")
    special = zip((0o4000, 0o2000, 0o1000), (listing[3], listing[6], listing[9]), strict=True)
    return Node(_KINDS[listing[0]], bits | sum(bit for bit, letter in special if letter in "sStT"), uid, gid)


def walk(path: str, files: Files, *, layer: int = 0) -> Walk:
    """Walk through a tree without links; folders nobody wrote down are root's, 0755, when something is in them."""
    asked = absolute(path)
    through: list[Place] = []
    for part in ["/", *_parents(asked)]:
        found = _at(part, files)
        if found is None or found.kind is not NodeKind.FOLDER:
            state = WalkState.MISSING if found is None else WalkState.NOT_A_FOLDER
            return Walk(asked, state, part, tuple(through))
        if part == asked:
            break
        through.append(Place(part, found, layer))
    end = _at(asked, files)
    if end is None:
        return Walk(asked, WalkState.MISSING, asked, tuple(through))
    return Walk(asked, WalkState.FOUND, asked, tuple(through), Place(asked, end, layer))


def _parents(path: str) -> list[str]:
    parts = path.split("/")[1:-1]
    return ["/" + "/".join(parts[: at + 1]) for at in range(len(parts))]


def _at(path: str, files: Files) -> Node | None:
    if path in files:
        return files[path]
    below = path == "/" or any(other.startswith(f"{path}/") for other in files)
    return ROOT_FOLDER if below else None


def tree(path: str, files: Files, *, complete: bool = True) -> Tree:
    """Everything below a folder, as its few combinations of owners and modes."""
    groups: dict[tuple[Node, tuple[Node, ...]], list[str]] = {}
    inside = [name for name in files if name.startswith(f"{path.rstrip('/')}/")]
    for name in inside:
        above = [_at(part, files) for part in [path, *_parents(name)] if part.startswith(path)]
        key = (files[name], tuple(dict.fromkeys(folder for folder in above if folder is not None)))
        groups.setdefault(key, []).append(name)
    classes = [PermissionClass(key, above, len(names), tuple(names[:3])) for (key, above), names in groups.items()]
    return Tree(path, tuple(classes), len(inside), complete)


def program(
    path: str, files: Files, form: ProgramForm = ProgramForm.ELF, *, interpreter: Program | None = None
) -> Program:
    """A file to execute; what it needs is written as its interpreter's path."""
    needs = interpreter.walk.path if interpreter is not None else ""
    return Program(walk(path, files), form, needs, interpreter)


def entry_point(*programs: Program, argv: Sequence[str] = (), searched: Sequence[str] = ()) -> EntryPoint:
    """A command with a slash, unless ``argv`` says otherwise."""
    return EntryPoint(tuple(argv) or (programs[0].walk.path,), tuple(searched), programs)


def file_facts(
    files: Files | None = None,
    *,
    walks: Sequence[str] = (),
    trees: Sequence[str] = (),
    entry: EntryPoint | None = None,
) -> FileFacts:
    """Files of a whole image; ``/`` and ``/tmp`` are walked always."""
    files = {"/tmp": node("drwxrwxrwt"), **(files or {})}
    asked = {absolute(path): walk(path, files) for path in ("/", "/tmp", *walks)}
    return FileFacts(walks=asked, trees=tuple(tree(path, files) for path in trees), entry_point=entry)


def image(
    files: Files | None = None,
    *,
    user: str = "1001:1001",
    home: str | None = None,
    working_dir: str = "",
    volumes: Sequence[str] = (),
    entry: EntryPoint | None = None,
) -> ImageFacts:
    """An image with these files, everything walked that its config names."""
    found = facts(user, env=[] if home is None else [f"HOME={home}"], working_dir=working_dir)
    folders = [path for path in (home, working_dir) if path and absolute(path) != "/"]
    known = file_facts(files, walks=[*folders, *volumes], trees=list(dict.fromkeys([*folders, *volumes])), entry=entry)
    return replace(found, config=replace(found.config, volumes=tuple(volumes)), files=known)


def prepared(user: str = "10001:0") -> ImageFacts:
    """An image an arbitrary uid can work in."""
    files = {"/srv/app": node("drwxrwxr-x", 10_001, 0), "/srv/server": node("-rwxr-xr-x")}
    return image(
        files, user=user, home="/srv/app", working_dir="/srv/app", entry=entry_point(program("/srv/server", files))
    )
