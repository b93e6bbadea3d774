"""A-24, A-28: a great many entries, in one layer and in all layers together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from tests.hostile.case import BASE, FACTOR, PASS, Case, Packed, cases, packed, repeated, run
from tests.support.archives import END, header, member, pax
from tests.support.images import Stored
from tests.support.layers import OCI_LAYER, sha256

MILLION = 1_000_000
_PIECE = 2_000


def _layer(names: Callable[[int], bytes], count: int, kind: bytes = b"0") -> Callable[[], Stored]:
    def chunks() -> Iterator[bytes]:
        for start in range(0, count, _PIECE):
            yield b"".join(header(names(number), kind) for number in range(start, start + _PIECE))
        yield END

    return lambda: run(BASE, packed(chunks()))


def _same(count: int) -> Callable[[], Stored]:
    """One name again and again: what the archive is large in costs nothing to keep."""
    blob = partial(repeated, header(b"x") * 1_000, count // 1_000, END)
    return lambda: run(Packed(b"", blob(), f"{OCI_LAYER}+gzip", sha256(b"")))


def _flat(number: int) -> bytes:
    return b"f%d" % number


def _spread(number: int) -> bytes:
    return b"d%d/f%d" % (number % 1_000, number)


def _whiteouts(number: int) -> bytes:
    return b"d%d/.wh.f%d" % (number % 1_000, number)


def _deep(count: int, depth: int) -> Callable[[], Stored]:
    def chunks() -> Iterator[bytes]:
        for number in range(count):
            path = b"/".join(b"%d" % (number % (step + 2)) for step in range(depth)) + b"/%d" % number
            yield pax({b"path": path}) + header(b"x", b"5")
        yield END

    return lambda: run(BASE, packed(chunks()))


def _long_names(count: int) -> Callable[[], Stored]:
    """Components of the longest length, in paths of the longest length."""

    def chunks() -> Iterator[bytes]:
        for number in range(count):
            yield pax({b"path": b"/".join(b"%0250d" % (number + step) for step in range(16))}) + header(b"x")
        yield END

    return lambda: run(BASE, packed(chunks()))


def _links(count: int) -> Callable[[], Stored]:
    """Links to a file that every link leads to, and account files by a thousand names."""

    def chunks() -> Iterator[bytes]:
        yield member(b"etc/passwd", b"a:x:1001:1001::/:\n" * 50_000)
        for number in range(count):
            yield header(b"etc/l%d" % number, b"1", link=b"etc/passwd")
        yield END

    return lambda: run(packed(chunks()))


def _link_maze() -> Stored:
    """Each link leads through all that come before it."""
    entries = [header(b"l0", b"5")]
    entries += [header(b"l%d" % number, b"2", link=b"l%d/../l%d" % (number - 1, number - 1)) for number in range(1, 60)]
    entries += [header(b"l59/x%d" % number) for number in range(1_000)]
    return run(BASE, packed([*entries, END]))


def _many_layers(count: int, entries: int) -> Stored:
    layers = []
    for number in range(count):
        names = b"".join(header(b"l%d/f%d" % (number, entry)) for entry in range(entries))
        layers.append(packed([names, END]))
    return run(BASE, *layers)


def _implied(layers: int, folders: int) -> Stored:
    """Folders without entries of their own, in layer after layer: each has to be looked for in all layers below."""
    one = packed([b"".join(header(b"d%d/x" % number) for number in range(folders)), END])
    two = packed([b"".join(header(b"d%d/y" % number) for number in range(folders)), END])
    return run(BASE, *([one, two] * (layers // 2)))


def found() -> list[Case]:
    many = [
        ("a-million-files", _layer(_spread, MILLION), PASS),
        ("in-one-folder", _layer(_flat, MILLION // 5 * FACTOR), PASS),
        ("whiteouts", _layer(_whiteouts, MILLION // 5 * FACTOR), PASS),
        ("the-same-five-million-times", _same(5 * MILLION), "limit-layer-entries"),
        ("two-hundred-deep", _deep(20_000, 200), "limit-layer-entries"),
        ("longest-names", _long_names(40_000), "limit-layer-text-bytes"),
        ("links-to-one-file", _links(100_000), "limit-account-versions-bytes"),
        ("maze-of-links", _link_maze, "limit-symlink-hops"),
    ]
    entries = {"image_entries": 200_000 * FACTOR}
    size = {"image_uncompressed_bytes": 64 << 20}
    return [
        *cases("A-24", many),
        Case("A-28/entries-of-all-layers", partial(_many_layers, 125, 1_700 * FACTOR), "limit-image-entries", entries),
        Case("A-28/bytes-of-all-layers", partial(_many_layers, 125, 1_700), "limit-image-uncompressed-bytes", size),
        Case("A-28/folders-implied-everywhere", partial(_implied, 126, 8_000), "limit-path-steps"),
    ]
