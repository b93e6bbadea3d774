"""The columns of a layer's tree.

A node exists for each entry, each folder an entry merely implies, and each name a whiteout removes:

=============  ====================================================================
``kind``       what the layer puts there; ``NOTHING`` where it only removes
``EXPLICIT``   there is an entry; without it a folder's attributes come from below
``WHITEOUT``   ``.wh.NAME``: what lower layers have there is gone
``OPAQUE``     ``.wh..wh..opq``: what lower layers have *in* this folder is gone
``DUPLICATE``  more than one entry; the last one won
``REDIRECTED`` the entry came here through a symlink of the same layer
``THROUGH``    the symlink such entries went through
``RESOLVED``   a hard link whose target stands in the same layer and lent it its attributes
``PARENT``     entries of this layer stand below it
=============  ====================================================================
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from enum import IntFlag

NOTHING, FILE, FOLDER, SYMLINK, DEVICE, FIFO, HARD_LINK = range(7)
ROOT = 0


class Flag(IntFlag):
    """See the table above."""

    EXPLICIT = 1
    WHITEOUT = 2
    OPAQUE = 4
    DUPLICATE = 8
    REDIRECTED = 16
    THROUGH = 32
    RESOLVED = 64
    PARENT = 128


@dataclass(slots=True)
class Columns:
    """The arrays, in the order in which they are stored."""

    parent: array[int] = field(default_factory=lambda: array("I"))
    name_at: array[int] = field(default_factory=lambda: array("I"))
    name_length: array[int] = field(default_factory=lambda: array("B"))
    kind: array[int] = field(default_factory=lambda: array("B"))
    flags: array[int] = field(default_factory=lambda: array("B"))
    mode: array[int] = field(default_factory=lambda: array("H"))
    uid: array[int] = field(default_factory=lambda: array("I"))
    gid: array[int] = field(default_factory=lambda: array("I"))
    size: array[int] = field(default_factory=lambda: array("Q"))
    link_at: array[int] = field(default_factory=lambda: array("I"))
    capability_at: array[int] = field(default_factory=lambda: array("I"))
    program_at: array[int] = field(default_factory=lambda: array("I"))
