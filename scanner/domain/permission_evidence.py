"""Why a process may not: in words, and as evidence a person can check with ``ls -l``."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import file_place
from scanner.domain.files import Node, NodeKind, Place, Walk, WalkState
from scanner.domain.permissions import Access, Denied, Process, denied
from scanner.domain.printable import printable, quoted
from scanner.domain.verdict import Evidence

_LETTERS = {
    NodeKind.FILE: "-",
    NodeKind.FOLDER: "d",
    NodeKind.SYMLINK: "l",
    NodeKind.DEVICE: "c",
    NodeKind.FIFO: "p",
}
_SPECIAL = ((0o4000, 3, "s"), (0o2000, 6, "s"), (0o1000, 9, "t"))
_VERBS = ((Access.READ, "read"), (Access.WRITE, "write"), (Access.EXECUTE, "execute"))


def listing(node: Node) -> str:
    """The first column of ``ls -l``: ``drwxr-x--T``."""
    letters = [_LETTERS[node.kind]]
    letters += [letter if node.mode & (1 << (8 - at)) else "-" for at, letter in enumerate("rwxrwxrwx")]
    for bit, at, letter in _SPECIAL:
        if node.mode & bit:
            letters[at] = letter if letters[at] == "x" else letter.upper()
    return "".join(letters)


def owned(node: Node) -> str:
    """Mode and owner in one breath: ``drwxr-xr-x (0755), owner 1001:1001``."""
    return f"{listing(node)} ({node.mode:04o}), owner {node.uid}:{node.gid}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody cannot use a path.

    :param said: the end of a sentence that begins with the path.
    :param missing: whether nothing stands there.
    """

    walk: Walk
    denied: Denied
    said: str

    @property
    def missing(self) -> bool:
        """Whether nothing stands there: not even a link that leads in circles."""
        return self.denied.place is None and self.walk.state is WalkState.MISSING


def folder_refusal(walk: Walk, process: Process, wanted: Access, who: str) -> Refusal | None:
    """Why a path is no folder in which a process can do ``wanted``; ``None`` where it is.

    :param who: the process in words, such as *group 0*.
    """
    problem, place = denied(walk, process, wanted), walk.place
    reached = problem is None or (place is not None and problem.place == place)
    if reached and place is not None and place.node.kind is not NodeKind.FOLDER:
        return Refusal(walk, Denied(place.path, place, None), f"is no folder: {owned(place.node)}")
    return None if problem is None else Refusal(walk, problem, _said(walk, problem, who))


def _said(walk: Walk, problem: Denied, who: str) -> str:
    if problem.place is None:
        return {
            WalkState.NOT_A_FOLDER: f"does not exist, because {quoted(problem.path)} is no folder",
            WalkState.LINK_LOOP: "is a loop of links",
        }.get(walk.state, "does not exist" if problem.path == walk.path else _without(problem.path))
    if walk.place is None or problem.place != walk.place:
        shut = f"{quoted(problem.path)}: {owned(problem.place.node)}"
        return f"cannot be reached by {who}, which may not search {shut}"
    return f"is not {_able(problem.wanted)} by {who}: {owned(problem.place.node)}"


def _without(path: str) -> str:
    return f"does not exist, because there is no {quoted(path)}"


def _able(wanted: Access | None) -> str:
    if wanted is not None and wanted & Access.WRITE:
        return "writable"
    return "readable" if wanted is not None and wanted & Access.READ else "searchable"


def refusal_evidence(facts: ImageFacts, refusal: Refusal) -> Evidence:
    """The place that refuses, what made it, and the path somebody wanted."""
    place = refusal.denied.place
    if place is None:
        return {"path": printable(refusal.walk.path, longest=500), "text": refusal.said}
    return {**place_evidence(facts, place, refusal.said), "wanted": printable(refusal.walk.path, longest=500)}


def place_evidence(facts: ImageFacts, place: Place, text: str) -> Evidence:
    """A place with its mode in both spellings, and the layer it came with."""
    return {**file_place(facts, place, text), **_permissions(place.node)}


def node_evidence(path: str, node: Node, text: str) -> Evidence:
    """A path whose layer was not kept."""
    return {"path": printable(path, longest=500), "text": text, **_permissions(node)}


def _permissions(node: Node) -> Evidence:
    return {"mode": f"{node.mode:04o}", "listing": listing(node), "owner": node.uid, "group": node.gid}
