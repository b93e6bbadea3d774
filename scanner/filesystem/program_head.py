"""What the kernel makes of an executable's first bytes, as it is kept in a layer index.

The rules are those of ``binfmt_script.c`` and ``binfmt_elf.c``; what both refuse fails with ENOEXEC.

A record is a letter and a path: ``S/bin/sh``, ``E/lib64/ld-linux-x86-64.so.2``, ``E`` for a static program, ``O`` for
what the kernel refuses, ``U`` where the bytes at hand do not tell.
"""

from __future__ import annotations

from struct import Struct, error

HEAD_BYTES = 4_096
"""Read of each executable: linkers put the program headers and the loader's name there."""

SCRIPT, ELF, OTHER, UNKNOWN = b"S", b"E", b"O", b"U"

_LINE_BYTES = 256  # BINPRM_BUF_SIZE
_BLANKS = b" \t"
_RUNNABLE_TYPES = (2, 3)  # ET_EXEC, ET_DYN
_INTERPRETER = 3  # PT_INTERP
_LONGEST_PATH = 4_096
_MOST_HEADER_BYTES = 65_536


def program_record(head: bytes, size: int) -> bytes:
    """Read the first bytes of a file.

    :param head: ``HEAD_BYTES``, or all of a shorter file.
    :param size: of the file.
    """
    if head.startswith(b"#!"):
        return _script(head[:_LINE_BYTES].ljust(_LINE_BYTES, b"\0"))
    if head.startswith(b"\x7fELF"):
        try:
            return _Elf(head, size).record()
        except error:
            return OTHER if size <= len(head) else UNKNOWN
    return OTHER


def _script(head: bytes) -> bytes:
    end = head.find(b"\n")
    if end < 0:
        end = _LINE_BYTES - 1
        name = _skip_blanks(head, 2, end)
        # Without the end of the name it could be cut, and the kernel does not run half a name.
        if name is None or _terminator(head, name, end) is None:
            return OTHER
    line = head[2:end].strip(_BLANKS)
    name_end = _terminator(line, 0, len(line) - 1)
    path = line if name_end is None else line[:name_end]
    return SCRIPT + path if path else OTHER


def _skip_blanks(text: bytes, start: int, last: int) -> int | None:
    return next((at for at in range(start, last + 1) if text[at] not in _BLANKS), None)


def _terminator(text: bytes, start: int, last: int) -> int | None:
    return next((at for at in range(start, last + 1) if text[at] in b" \t\0"), None)


class _Elf:
    """An ELF file of either word size and byte order; ``struct.error`` where the head is too short for it."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head = head
        self._size = size
        wide, order = head[4:5] == b"\2", ">" if head[5:6] == b"\2" else "<"
        # type, program headers at, size of one, number of them
        self._header = Struct(order + ("16xH14xQ14xHH" if wide else "16xH10xI10xHH"))
        # kind, offset, bytes in the file
        self._segment = Struct(order + ("I4xQ16xQ16x" if wide else "II8xI12x"))

    def record(self) -> bytes:
        kind, at, length, count = self._header.unpack_from(self._head)
        if kind not in _RUNNABLE_TYPES or length != self._segment.size or not 0 < length * count <= _MOST_HEADER_BYTES:
            return OTHER
        if at + length * count > self._size:
            return OTHER
        for number in range(count):
            if at + (number + 1) * length > len(self._head):
                return UNKNOWN
            segment, offset, filled = self._segment.unpack_from(self._head, at + number * length)
            if segment == _INTERPRETER:
                return self._loader(offset, filled)
        return ELF

    def _loader(self, offset: int, filled: int) -> bytes:
        if not 2 <= filled <= _LONGEST_PATH or offset + filled > self._size:
            return OTHER
        if offset + filled > len(self._head):
            return UNKNOWN
        name = self._head[offset : offset + filled]
        return ELF + name.partition(b"\0")[0] if name.endswith(b"\0") else OTHER
