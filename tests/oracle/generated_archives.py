"""Archives that are nearly valid, in the ways in which readers of tar disagree."""

from __future__ import annotations

from random import Random

from tests.support.archives import END, member, padded, record

_NUMBERS = (
    *(b"0000644\0", b"644    \0", b"   644 \0", bytes(8), b"+000644\0", b"0_06440\0", b"12\0 3  \0", b"12 3\0\0\0\0"),
    *(b"\x80\0\0\0\0\0\0\7", b"\xff" * 7 + b"\xfe", b"\xc0" + bytes(7), b"8888888\0", b"       \0", b"77777777"),
)
_SIZES = (
    *(b"\x80" + bytes(10) + b"\x05", b"\xff" * 12, b"\xff" * 10 + b"\xfe\0", b"\x80\0\0\0\x10" + bytes(7)),
    *(b"        10 \0", b"\xff\0" + bytes(10), b"77777777777\0"),
)
_PATCHES = (
    *((100, number) for number in _NUMBERS),
    *((108, number) for number in _NUMBERS),
    *((124, size) for size in _SIZES),
    *((345, b"pre"), (345, b"\xe9"), (345, b"a\0b"), (345, b"99"), (345, b"000\0"), (357, b"\x80" + bytes(10) + b"1")),
    *((257, b"ustar  \0"), (257, bytes(8)), (257, b"ustar \0\0"), (508, b"tar\0"), (329, b"zz"), (476, b"x")),
    *((136, b"-1"), (0, b"\xe9")),
)
_KEYS = (
    *(b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime", b"atime", b"uname", b"comment", b"a\0b"),
    *(b"SCHILY.xattr.security.capability", b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.name"),
    *(b"GNU.sparse.size", b"GNU.sparse.realsize", b"GNU.sparse.map", b"GNU.sparse.numblocks"),
    *(b"GNU.sparse.offset", b"GNU.sparse.numbytes"),
)
_VALUES = (
    *(b"", b"0", b"1", b"5", b"10", b"512", b"-1", b"+7", b"1.5", b"1.x", b".5", b"1_0", b" 5", b"9" * 20),
    *(b"etc/passwd", b"a\0b", b"0,5", b"0,5,5,5", b"x" * 200),
)
_LONG = (b"etc/passwd\0", b"l" * 150 + b"\0", b"\0", b"", b"no-nul")


def archives(seed: int, count: int) -> list[bytes]:
    """The same for the same seed."""
    random = Random(seed)
    return [_damaged(random, _archive(random)) for _ in range(count)]


def _archive(random: Random) -> bytes:
    parts = [random.choices((_member, _sparse, _extended, _long, _zero), (10, 2, 2, 2, 0.2))[0] for _ in range(5)]
    end = random.choice((END, END, END, b"", bytes(512), END + b"trail" * 200))
    return b"".join(part(random) for part in parts[: random.randrange(1, 5)]) + end


def _member(random: Random) -> bytes:
    kind = random.choices(
        (b"0", b"\0", b"1", b"2", b"5", b"6", b"3", b"7", b"S", b"Z"), (9, 3, 2, 2, 2, 1, 1, 0.2, 0.2, 0.2)
    )
    content = b"d" * random.choice((0, 0, 3, 512, 600))
    patches = random.choices(_PATCHES, k=random.choice((0, 0, 0, 0, 1)))
    link = random.choice((b"", b"etc/passwd"))
    return member(
        random.choice((b"etc/passwd", b"a/", b"./x", b"n" * 100)), content, kind[0], link=link, patches=patches
    )


def _extended(random: Random) -> bytes:
    records = [record(random.choice(_KEYS), random.choice(_VALUES)) for _ in range(random.randrange(1, 4))]
    return member(b"PaxHeaders/x", b"".join(records), random.choice((b"x", b"x", b"x", b"g"))) + _member(random)


def _long(random: Random) -> bytes:
    return member(b"././@LongLink", random.choice(_LONG), random.choice((b"L", b"K"))) + _member(random)


def _zero(random: Random) -> bytes:
    return bytes(512)


def _sparse(random: Random) -> bytes:
    numbers, at = list[int](), 0
    for _ in range(random.randrange(3)):
        offset, length = at + random.randrange(20), random.randrange(20)
        numbers += [offset, length]
        at = offset + length
    records, stored = _sparse_form(random, numbers, at + random.randrange(9))
    stored += b"d" * sum(numbers[1::2])
    if random.random() < 0.2:
        stored = stored[:-1] or b"x"
    return member(b"PaxHeaders/x", b"".join(record(*one) for one in records), b"x") + member(b"sparse", stored)


def _sparse_form(random: Random, numbers: list[int], size: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
    form, count = random.randrange(3), b"%d" % (len(numbers) // 2)
    if form == 2:
        records = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"%d" % size)]
        return records, padded(b"%b\n" % count + b"".join(b"%d\n" % number for number in numbers))
    records = [(b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.numblocks", count)]
    if form == 1:
        return [*records, (b"GNU.sparse.map", b",".join(b"%d" % number for number in numbers))], b""
    keys = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
    return [*records, *((keys[position % 2], b"%d" % number) for position, number in enumerate(numbers))], b""


def _damaged(random: Random, archive: bytes) -> bytes:
    fate = random.random()
    if fate < 0.15:
        return archive[: random.randrange(len(archive) + 1)]
    if fate < 0.3 and archive:
        changed = bytearray(archive)
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        return bytes(changed)
    return archive
