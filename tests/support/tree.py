"""One place of a tree as ``stat`` would show it; the product itself asks for account files only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scanner.filesystem.layer_columns import DEVICE, FIFO, FILE, FOLDER, SYMLINK, Flag
from scanner.filesystem.rootfs import RootFs


class FileKind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    DEVICE = "device"
    FIFO = "fifo"


_KINDS = {
    FILE: FileKind.FILE,
    FOLDER: FileKind.FOLDER,
    SYMLINK: FileKind.SYMLINK,
    DEVICE: FileKind.DEVICE,
    FIFO: FileKind.FIFO,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at a path: absolute after links, with the layer its attributes come from."""

    path: str
    kind: FileKind
    mode: int
    uid: int
    gid: int
    size: int
    layer: int
    link: str | None = None


def lookup(tree: RootFs, path: str | bytes, *, follow: bool = True) -> Standing | None:
    """``stat``, or ``lstat`` without ``follow``; ``None`` for nothing, a dangling link or a loop."""
    found = tree.resolve(path, follow=follow)
    if not found.places:
        return None
    given = (place for place in found.places if tree.layers[place[0]].columns.flags[place[1]] & Flag.EXPLICIT)
    position, node = next(given, found.places[0])
    layer, columns = tree.layers[position], tree.layers[position].columns
    kind = _KINDS[columns.kind[node]]
    return Standing(
        path="/" + found.path.decode("utf-8", "surrogateescape"),
        kind=kind,
        mode=columns.mode[node],
        uid=columns.uid[node],
        gid=columns.gid[node],
        size=columns.size[node],
        layer=position,
        link=layer.link(node).decode("utf-8", "surrogateescape") if kind is FileKind.SYMLINK else None,
    )
