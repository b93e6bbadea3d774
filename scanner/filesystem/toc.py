"""The table of contents that eStargz and zstd:chunked layers carry, read as what it is: the packer's word.

::

    {"version": 1, "entries": [{"name": "etc/passwd", "type": "reg", "size": 21, "mode": 420, "digest": "sha256:…"}, …]}

A runtime that pulls lazily believes it *instead of* the archive. Entries are read one by one, so that a table of a
hundred thousand weighs no more than its text, and a table that two JSON readers could take for different ones is none.

Sources: stargz-snapshotter ``docs/estargz.md``; containers/storage ``pkg/chunked/internal``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scanner.filesystem.tar import Member

_TYPES: Final = {"reg": "0", "hardlink": "1", "symlink": "2", "char": "3", "block": "4", "dir": "5", "fifo": "6"}
CHUNK: Final = "chunk"
_CAPABILITY = "security.capability"
_LONGEST_ENTRY = 256 * 1024
_LONGEST_REST = 16 * 1024
_LARGEST = 1 << 62
_ENTRIES = re.compile(r'"entries"[ \t\r\n]*:[ \t\r\n]*\[')
# An object whose values are texts, numbers and objects of texts: nothing an entry needs lies deeper.
_PLAIN = r'(?:[^"{}\[\]]|"(?:[^"\\]|\\.)*+")'
_ENTRY = re.compile(rf"[ \t\r\n]*+(\{{(?:{_PLAIN}|\{{{_PLAIN}*+\}})*+\}})[ \t\r\n]*+([,\]])", re.DOTALL)
_EMPTY = re.compile(r"[ \t\r\n]*\]")
NO_TEXT: Final = re.compile("[\ud800-\udfff]")
"""Half a character, which Go's JSON turns into U+FFFD; with ``surrogateescape`` also each byte that is no text."""
_KEYS = (
    *("name", "type", "size", "modtime", "linkName", "mode", "uid", "gid", "userName", "groupName", "devMajor"),
    *("devMinor", "NumLink", "xattrs", "digest", "offset", "chunkOffset", "chunkSize", "chunkDigest", "innerOffset"),
    *("endOffset", "chunkType", "accesstime", "changetime", "entries", "version", "tarSplitDigest"),
)
_FOLDED = {key.lower(): key for key in _KEYS}


class BadToc(ValueError):
    """The table is none that every reader takes alike."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some of a file's bytes, by their digest; ``size`` 0 means up to the file's end.

    :param at: offset in the blob of the compressed part that holds them.
    :param inner: how many bytes of that part, unpacked, come before them.
    """

    offset: int
    size: int
    digest: str
    at: int = 0
    inner: int = 0


@dataclass(frozen=True, slots=True)
class TocEntry:
    """One entry; ``member`` is what the same entry of an archive would be, ``None`` for further chunks of a file."""

    name: bytes
    member: Member | None
    span: Span


def read_toc(text: str) -> Iterator[TocEntry]:
    """Yield the entries in their order.

    :raises BadToc: where readers could disagree, or the table is malformed.
    """
    found = _ENTRIES.search(text)
    if found is None:
        raise BadToc("it has no entries")
    at = found.end()
    empty = _EMPTY.match(text, at)
    while empty is None:
        entry = _ENTRY.match(text, at)
        if entry is None or entry.end(1) - entry.start(1) > _LONGEST_ENTRY:
            raise BadToc(f"its entry at character {at} is malformed")
        yield _entry(_object(entry[1]))
        at = entry.end()
        if entry[2] == "]":
            break
    _check_rest(text[: found.end()] + "]" + text[empty.end() if empty else at :])


def _check_rest(rest: str) -> None:
    """What is around the entries must be an object that has them once, and in no other place."""
    if len(rest) > _LONGEST_REST:
        raise BadToc("it has more than entries")
    if _object(rest).get("entries") != []:
        raise BadToc("its entries are not where readers look for them")


def _object(text: str) -> dict[str, object]:
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise BadToc(str(error)[:200]) from error
    if not isinstance(found, dict):
        raise BadToc("it is no object")
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Go takes the last of several keys and matches without regard to case; others do not."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found or _FOLDED.get(key.lower(), key) != key:
            raise BadToc(f"readers disagree about its key {key[:50]!r}")
        found[key] = value
    return found


def _refuse(constant: str) -> object:
    raise BadToc(f"{constant} is no JSON")


def _number(digits: str) -> int:
    if len(digits) > 19:
        raise BadToc("a number of it is too large")
    return int(digits)


def _entry(fields: dict[str, object]) -> TocEntry:
    name = _bytes(_text(fields, "name"))
    kind = _text(fields, "type")
    digest = _text(fields, "chunkDigest") or _text(fields, "digest")
    span = Span(
        offset=_count(fields, "chunkOffset"),
        size=_count(fields, "chunkSize"),
        digest=digest,
        at=_count(fields, "offset"),
        inner=_count(fields, "innerOffset"),
    )
    if kind == CHUNK:
        return TocEntry(name, None, span)
    if kind not in _TYPES:
        raise BadToc(f"it has an entry of type {kind[:50]!r}")
    member = Member(
        name=name,
        type=_TYPES[kind],
        mode=_count(fields, "mode"),
        uid=_count(fields, "uid"),
        gid=_count(fields, "gid"),
        size=_count(fields, "size") if kind == "reg" else 0,
        link=_bytes(_text(fields, "linkName")),
        capability=_capability(fields),
    )
    return TocEntry(name, member, span)


def _text(fields: dict[str, object], key: str) -> str:
    found = fields.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadToc(f"its {key} is no text")
    return found


def _bytes(text: str) -> bytes:
    return NO_TEXT.sub("\ufffd", text).encode()


def _count(fields: dict[str, object], key: str) -> int:
    found = fields.get(key)
    if found is None:
        return 0
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < _LARGEST:
        raise BadToc(f"its {key} is no number that can be one")
    return found


def _capability(fields: dict[str, object]) -> bytes | None:
    xattrs = fields.get("xattrs")
    if xattrs is None:
        return None
    if not isinstance(xattrs, dict):
        raise BadToc("its xattrs are no object")
    text = xattrs.get(_CAPABILITY)
    if text is None:
        return None
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadToc("an attribute of it is not base64") from error
