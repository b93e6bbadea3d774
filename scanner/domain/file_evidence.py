"""Files of an image in the words rules share: owner and mode, the layer they came with, and what was not read."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.domain.evidence import layer_at, layer_number, made_by
from scanner.domain.facts import ImageFacts
from scanner.domain.files import Node, Place
from scanner.domain.printable import printable, quoted
from scanner.domain.verdict import Evidence

NOT_READ = "These facts were stored by a release that did not look at files; the next scan reads the image again."
"""The reason of every rule about files where ``ImageFacts.files`` is ``None``."""

MOST_SHOWN = 20
"""Places one finding shows; a hostile image has thousands."""


def file_place(facts: ImageFacts, place: Place, text: str) -> Evidence:
    """One place, who put it there, and what is wrong with it."""
    layer = layer_at(facts, place.layer)
    return {
        "layer": None if layer is None else layer.digest,
        "layer_number": layer_number(layer),
        "created_by": made_by(layer),
        "path": printable(place.path, longest=500),
        "text": text,
    }


def owner_and_mode(node: Node) -> str:
    """Permissions as ``stat -c '%a %u:%g'`` writes them, in words."""
    return f"mode {node.mode:04o}, owner {node.uid}:{node.gid}"


def named(paths: Sequence[str], total: int, *, most: int = 3) -> str:
    """The first paths of a list, quoted, and how many more there are."""
    shown = ", ".join(quoted(path) for path in paths[:most])
    return f"{shown} and {total - most:,} more" if total > most else shown
