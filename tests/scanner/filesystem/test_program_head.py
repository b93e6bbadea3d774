from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.filesystem.program_head import HEAD_BYTES, program_record

SCRIPTS = [
    (b"#!/bin/sh\n", b"S/bin/sh"),
    (b"#!/bin/sh", b"S/bin/sh"),
    (b"#! \t/usr/bin/env python3 -u\necho", b"S/usr/bin/env"),
    (b"#!/bin/sh  \t\n", b"S/bin/sh"),
    (b"#!/bin/sh\r\n", b"S/bin/sh\r"),
    (b"#!bin/sh\n", b"Sbin/sh"),
    (b"#!\n", b"O"),
    (b"#! \t \n", b"O"),
    (b"#!", b"O"),
    (b"#! " + b" " * 300, b"O"),
    (b"#!/" + b"x" * 251 + b"\n", b"S/" + b"x" * 251),
    (b"#!/" + b"x" * 252 + b"\n", b"S/" + b"x" * 252),  # the newline is byte 256
    (b"#!/" + b"x" * 253 + b"\n", b"O"),  # the name may be cut
    (b"#!/bin/sh " + b"x" * 400 + b"\n", b"S/bin/sh"),
    (b"#!/bin/sh\0\n", b"S/bin/sh"),
    (b"", b"O"),
    (b"echo hello\n", b"O"),
    (b" #!/bin/sh\n", b"O"),
    (b"\xef\xbb\xbf#!/bin/sh\n", b"O"),
]


@pytest.mark.parametrize(("head", "record"), SCRIPTS)
def test_scripts(head: bytes, record: bytes) -> None:
    assert program_record(head, len(head)) == record


def elf(
    *,
    bits: int = 64,
    order: str = "<",
    loader: bytes | None = b"/lib/ld.so\0",
    at: int = 0,
    kind: int = 3,
    size: int = 0,
) -> bytes:
    wide = bits == 64
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if order == ">" else 1]) + bytes(10)
    header_size, segment_size = (64, 56) if wide else (52, 32)
    count = 1 if loader is None else 2
    at = at or header_size + count * segment_size
    fields = (kind, 62, 1, 0, header_size, 0, 0, header_size, size or segment_size, count, 0, 0, 0)
    header = struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *fields)
    segments = segment(1, 0, 10, wide, order)
    if loader is not None:
        segments += segment(3, at, len(loader), wide, order)
    whole = (ident + header + segments).ljust(at, b"\0") + (loader or b"")
    return whole + bytes(64)


def segment(kind: int, at: int, filled: int, wide: bool, order: str) -> bytes:
    if wide:
        return struct.pack(order + "IIQQQQQQ", kind, 5, at, 0, 0, filled, filled, 8)
    return struct.pack(order + "IIIIIIII", kind, at, 0, 0, filled, filled, 5, 8)


ELVES = [
    (elf(), b"E/lib/ld.so"),
    (elf(bits=32), b"E/lib/ld.so"),
    (elf(order=">"), b"E/lib/ld.so"),
    (elf(bits=32, order=">"), b"E/lib/ld.so"),
    (elf(loader=None), b"E"),
    (elf(kind=2), b"E/lib/ld.so"),
    (elf(kind=1), b"O"),  # an object file
    (elf(size=55), b"O"),
    (elf(loader=b"/lib/ld.so"), b"O"),  # does not end in NUL
    (elf(loader=b"\0"), b"O"),
    (elf(loader=b"/" * 4096 + b"\0"), b"O"),
    (elf(at=HEAD_BYTES - 11), b"E/lib/ld.so"),
    (elf(at=HEAD_BYTES - 10), b"U"),
    (elf()[:70], b"O"),
    (b"\x7fELF", b"O"),
]


@pytest.mark.parametrize(("whole", "record"), ELVES)
def test_programs(whole: bytes, record: bytes) -> None:
    assert program_record(whole[:HEAD_BYTES], len(whole)) == record


def test_program_headers_behind_the_head_are_unknown() -> None:
    head = bytearray(elf())
    head[32:40] = struct.pack("<Q", HEAD_BYTES)
    assert program_record(bytes(head), HEAD_BYTES * 3) == b"U"


@given(st.binary(max_size=400), st.sampled_from([b"#!", b"\x7fELF\1\1", b"\x7fELF\2\2", b""]))
def test_any_bytes_are_read(rest: bytes, magic: bytes) -> None:
    record = program_record(magic + rest, len(magic + rest))
    assert record[:1] in (b"S", b"E", b"O")


def test_the_machine_s_own_shell() -> None:
    with open("/bin/sh", "rb") as file:
        whole = file.read()
    assert program_record(whole[:HEAD_BYTES], len(whole)).startswith(b"E/lib")
