"""NR305: an arbitrary uid cannot read the application's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.domain.arbitrary_uid import ARBITRARY, home, walked, working_dir
from scanner.domain.citations import FRIENDS, OPENSHIFT_IMAGES
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN, NOT_READ, named
from scanner.domain.file_fixes import BEFORE_USER, remedy
from scanner.domain.files import FileFacts, Node, NodeKind, PermissionClass, Tree, Walk
from scanner.domain.fixes import base_family
from scanner.domain.permission_evidence import node_evidence, owned
from scanner.domain.permission_fixes import openable, owner
from scanner.domain.permissions import Access, stopped_at
from scanner.domain.printable import quoted
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.system_folders import is_system_folder, lies_in_system
from scanner.domain.verdict import Evidence, Outcome, Severity

_LOOK_INTO = Access.READ | Access.EXECUTE


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Entries of one class, and what refuses them: they themselves or a folder above."""

    tree: Tree
    entries: PermissionClass
    stopped_at: Node


class _NotKept(ValueError):
    """The facts do not say; the message is a sentence."""


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Entries below WORKDIR, HOME or the command's folder that group 0 cannot read, or folders it cannot look into."""
    if facts.files is None:
        return unknown(NOT_READ)
    try:
        trees = _outermost(_trees(facts, facts.files))
    except _NotKept as doubt:
        return unknown(str(doubt))
    found = [unreadable for tree, way in trees for unreadable in _unreadable(tree, way)]
    if not found:
        short = next((tree for tree, _ in trees if not tree.complete), None)
        return (
            unknown(f"Not everything below {quoted(short.path)} was looked at: it holds too much.") if short else ok()
        )
    said = _said(found, [tree for tree, _ in trees])
    evidence = tuple(_evidence(unreadable) for unreadable in found[:MOST_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, found))


def _trees(facts: ImageFacts, files: FileFacts) -> Iterator[tuple[Tree, Walk]]:
    """Trees and a walk that leads to or through each; system folders are not the application's."""
    for folder in (working_dir(facts), home(facts)):
        walk = walked(facts, folder.path)
        if isinstance(walk, str):
            raise _NotKept(walk)
        if walk.place is not None and walk.place.node.kind is NodeKind.FOLDER and not is_system_folder(walk.resolved):
            yield _kept(files, walk.resolved), walk
    command = files.entry_point.candidates[0] if files.entry_point and files.entry_point.candidates else None
    if command is not None and command.walk.place is not None:
        above = command.walk.resolved.rpartition("/")[0]
        if not lies_in_system(above):
            yield _kept(files, above), command.walk


def _kept(files: FileFacts, path: str) -> Tree:
    for tree in files.trees:
        if tree.path == path:
            return tree
    raise _NotKept(f"What is below {quoted(path)} was not kept; the next scan reads the image again.")


def _outermost(trees: Iterator[tuple[Tree, Walk]]) -> list[tuple[Tree, Walk]]:
    """Each entry counts once, though WORKDIR may be in HOME."""
    by_path = {tree.path: (tree, walk) for tree, walk in trees}
    if len(by_path) < 2:
        return list(by_path.values())
    return [found for path, found in by_path.items() if not any(path.startswith(f"{other}/") for other in by_path)]


def _unreadable(tree: Tree, way: Walk) -> Iterator[_Unreadable]:
    shut = next((folder.node for folder in way.through if not _searched(folder.node)), None)
    for entries in tree.classes:
        wanted = _LOOK_INTO if entries.node.kind is NodeKind.FOLDER else Access.READ
        refuses = shut or stopped_at(entries, ARBITRARY, wanted)
        if refuses is not None:
            yield _Unreadable(tree, entries, refuses)


def _searched(node: Node) -> bool:
    # ARBITRARY owns nothing, so its class is group 0's or everybody's.
    return bool(node.mode & (0o010 if node.gid == 0 else 0o001))


def _said(found: list[_Unreadable], trees: list[Tree]) -> str:
    count, total = sum(each.entries.count for each in found), sum(tree.entries for tree in trees)
    below = named(list(dict.fromkeys(each.tree.path for each in found)), len({each.tree.path for each in found}))
    examples = named([path for each in found for path in each.entries.examples], count)
    atleast = "" if all(tree.complete for tree in trees) else "at least "
    return f"Group 0 cannot read {atleast}{count:,} of {total:,} files and folders below {below}: {examples}."


def _evidence(found: _Unreadable) -> Evidence:
    entries = found.entries
    path = entries.examples[0] if entries.examples else found.tree.path
    like = f"{entries.count:,} like this" if entries.count > 1 else "this one"
    if found.stopped_at is entries.node:
        return node_evidence(path, entries.node, f"{like}: {owned(entries.node)}")
    return node_evidence(path, entries.node, f"{like}, in a folder group 0 may not search: {owned(found.stopped_at)}")


def _fix(facts: ImageFacts, said: str, found: list[_Unreadable]) -> str:
    paths = openable([each.tree.path for each in found])
    prose = f"{said} Let group 0 read them; what is secret belongs into a secret, not into an image:"
    if not paths:
        return remedy(
            f"{said} Keep the application in a folder of its own that group 0 may read, such as `/srv/app`.", ()
        )
    if not base_family(facts).has_shell:
        return remedy(
            prose, [f"COPY --chown={owner(facts)}:0 --chmod=0755 {path.rpartition('/')[2]} {path}" for path in paths]
        )
    words = " ".join(paths)
    return remedy(prose, [BEFORE_USER, f"RUN chgrp -R 0 {words} && chmod -R g+rX {words}"])


RULE = Rule(
    id="NR305",
    slug="files-unreadable",
    title="Files of the application cannot be read by an arbitrary uid",
    why="The program starts and then fails on the one configuration or module it may not open.",
    severity=Severity.MEDIUM,
    references=(FRIENDS, OPENSHIFT_IMAGES),
    violating=Example(
        "Only the owner may read it",
        "FROM debian:12\nWORKDIR /srv/app\nCOPY --chown=1001:1001 --chmod=0600 settings.ini .\nUSER 1001:1001",
    ),
    fine=Example(
        "Group 0 may read it",
        "FROM debian:12\nWORKDIR /srv/app\nCOPY --chown=1001:0 --chmod=0640 settings.ini .\nUSER 1001:0",
    ),
    check=check,
    decided=(
        "Everything below WORKDIR, HOME and the folder of the command is looked at, folders of the distribution left "
        "out. Group 0 must be able to read each file, to read and search each folder, and to search every folder "
        "above it. Each combination of owner and mode is shown once, with an example and how many there are. A tree "
        "too large to be searched to its end is *unknown*, unless what was seen is closed already."
    ),
)
