"""Finds a node by parent and name while a layer is being read.

A ``dict`` of a million keys weighs about 150 MiB. This open-addressing table in two arrays weighs 12 to 20, and
Python's own keyed hash keeps chosen names from colliding.
"""

from __future__ import annotations

from array import array

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.layer_columns import Columns

_MASK_32 = 0xFFFFFFFF
_SMALLEST = 1_024
_MOST_INTERNED = 4_096


class NameTable:
    """Adds rows to ``columns`` and bytes to ``text``."""

    __slots__ = ("_columns", "_interned", "_limits", "_mask", "hashes", "slots", "text")

    def __init__(self, columns: Columns, limits: Limits) -> None:
        self._columns = columns
        self._limits = limits
        self.hashes = array("I")
        self.slots = array("I", bytes(4 * _SMALLEST))
        self._mask = _SMALLEST - 1
        self._interned: dict[bytes, int] = {}
        self.text = bytearray(1)  # so that offset 0 means "none"

    def find_or_add(self, parent: int, name: bytes) -> int:
        """The node of that name, new ones with all attributes zero."""
        hashed = hash((parent, name)) & _MASK_32
        slots, mask, hashes = self.slots, self._mask, self.hashes
        at = hashed & mask
        while slot := slots[at]:
            if hashes[slot - 1] == hashed and self._is(slot - 1, parent, name):
                return slot - 1
            at = (at + 1) & mask
        slots[at] = len(hashes) + 1
        return self._append(parent, name, hashed)

    def find(self, parent: int, name: bytes) -> int | None:
        """The node of that name, if there is one."""
        hashed = hash((parent, name)) & _MASK_32
        at = hashed & self._mask
        while slot := self.slots[at]:
            if self.hashes[slot - 1] == hashed and self._is(slot - 1, parent, name):
                return slot - 1
            at = (at + 1) & self._mask
        return None

    def _is(self, node: int, parent: int, name: bytes) -> bool:
        columns = self._columns
        if columns.parent[node] != parent or columns.name_length[node] != len(name):
            return False
        return self.text.startswith(name, columns.name_at[node])

    def _append(self, parent: int, name: bytes, hashed: int) -> int:
        columns = self._columns
        node = len(self.hashes)
        if node > self._limits.layer_entries:
            # One entry can imply 255 folders, and each weighs as much as an entry.
            allowed, subject = self._limits.layer_entries, "entries of the layer and folders they imply"
            raise LimitExceeded("layer_entries", allowed, node, subject=subject)
        columns.parent.append(parent)
        columns.name_at.append(len(self.text))
        columns.name_length.append(len(name))
        columns.kind.append(0)
        columns.flags.append(0)
        columns.mode.append(0)
        columns.uid.append(0)
        columns.gid.append(0)
        columns.size.append(0)
        columns.link_at.append(0)
        columns.capability_at.append(0)
        columns.program_at.append(0)
        self.text += name
        self.hashes.append(hashed)
        if node * 2 > self._mask:
            self._grow()
        self._check_text()
        return node

    def name(self, node: int) -> bytes:
        """The last component of a node's path."""
        start = self._columns.name_at[node]
        return bytes(self.text[start : start + self._columns.name_length[node]])

    def sized(self, at: int) -> bytes:
        """What ``add_sized`` stored."""
        length = int.from_bytes(self.text[at : at + 2], "little")
        return bytes(self.text[at + 2 : at + 2 + length])

    def add_sized(self, text: bytes) -> int:
        """Store a link target or a capability and say where."""
        at = len(self.text)
        self.text += len(text).to_bytes(2, "little") + text
        self._check_text()
        return at

    def intern(self, text: bytes) -> int:
        """Store a text that many nodes share, mostly once."""
        at = self._interned.get(text)
        if at is None:
            if len(self._interned) >= _MOST_INTERNED:
                self._interned.clear()
            at = self._interned[text] = self.add_sized(text)
        return at

    def _check_text(self) -> None:
        allowed = self._limits.layer_text_bytes
        if len(self.text) > allowed:
            raise LimitExceeded("layer_text_bytes", allowed, len(self.text), subject="names and links of the layer")

    def _grow(self) -> None:
        size = (self._mask + 1) * 4
        mask = size - 1
        slots = array("I", bytes(4 * size))
        for node, hashed in enumerate(self.hashes):
            at = hashed & mask
            while slots[at]:
                at = (at + 1) & mask
            slots[at] = node + 1
        self.slots, self._mask = slots, mask
