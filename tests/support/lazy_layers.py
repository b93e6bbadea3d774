"""eStargz and zstd:chunked layers made in memory, with tables of contents that tell the truth or not."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.support.images import Stored, compact_json, image
from tests.support.layers import OCI_LAYER, Entry, Layer, compress, sha256, tar_of

STARGZ_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
CHUNKED_DIGEST = "io.github.containers.zstd-chunked.manifest-checksum"
CHUNKED_POSITION = "io.github.containers.zstd-chunked.manifest-position"
_TYPES = {b"0": "reg", b"1": "hardlink", b"2": "symlink", b"3": "char", b"4": "block", b"5": "dir", b"6": "fifo"}

Json = dict[str, Any]
Lie = Callable[[Json], object]


@dataclass(frozen=True, slots=True)
class LazyLayer(Layer):
    """A layer and the annotations of its descriptor."""

    annotations: Mapping[str, str]

    def descriptor(self) -> Json:
        """As a manifest states it."""
        about: Json = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.blob)}
        return about | {"annotations": dict(self.annotations)}


def honest(_: Json) -> None:
    """Leave the table as it is."""


def table_of(tar: bytes) -> Json:
    """What a packer writes of an archive."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {"version": 1, "entries": [_entry(archive, member) for member in archive]}


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Json:
    entry: Json = {"name": member.name + ("/" if member.isdir() else ""), "type": _TYPES[member.type]}
    entry |= {"mode": member.mode, "uid": member.uid, "gid": member.gid, "modtime": "2026-01-02T03:04:05Z"}
    if member.linkname:
        entry["linkName"] = member.linkname
    if xattrs := _xattrs(member):
        entry["xattrs"] = xattrs
    content = archive.extractfile(member) if member.isreg() else None
    if content is not None and member.size:
        digest = "sha256:" + hashlib.sha256(content.read()).hexdigest()
        entry |= {"size": member.size, "offset": member.offset_data, "digest": digest, "chunkDigest": digest}
    return entry


def _in_parts(tar: bytes, table: Json, pack: Callable[[bytes], bytes]) -> bytes:
    """Compress so that each file's bytes begin a part of their own, and write into the table where."""
    blob, position = b"", 0
    for entry in table["entries"]:
        if "size" in entry:
            start = entry["offset"]
            blob += pack(tar[position:start])
            entry["offset"] = len(blob)
            position = start + entry["size"]
            blob += pack(tar[start:position])
            entry["endOffset"] = len(blob)
    return blob + pack(tar[position:])


def _xattrs(member: tarfile.TarInfo) -> dict[str, str]:
    prefix = "SCHILY.xattr."
    found = {key.removeprefix(prefix): value for key, value in member.pax_headers.items() if key.startswith(prefix)}
    return {key: base64.b64encode(value.encode("utf-8", "surrogateescape")).decode() for key, value in found.items()}


def stargz_layer(entries: Mapping[str, Entry], lie: Lie = honest, *, text: str | None = None) -> LazyLayer:
    """An eStargz layer.

    :param lie: changes the table of contents before it is packed.
    :param text: stands for the whole table.
    """
    archive = tar_of(entries)
    table = table_of(archive)
    files = archive[: _end_of_members(archive)]
    first = _in_parts(files, table, lambda part: gzip.compress(part, mtime=0))
    lie(table)
    toc = (text if text is not None else json.dumps(table)).encode()
    ending = tar_member("stargz.index.json", toc)
    last = gzip.compress(ending, mtime=0)
    blob = first + last + stargz_footer(len(first))
    return LazyLayer(files + ending, blob, OCI_LAYER + "+gzip", {STARGZ_DIGEST: sha256(toc)})


def stargz_footer(offset: int) -> bytes:
    """An empty gzip member that points to an offset."""
    extra = b"SG" + struct.pack("<H", 22) + f"{offset:016x}STARGZ".encode()
    head = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff" + struct.pack("<H", len(extra)) + extra
    return head + b"\x01\x00\x00\xff\xff" + bytes(8)


def chunked_layer(entries: Mapping[str, Entry], lie: Lie = honest, *, unpacked: int | None = None) -> LazyLayer:
    """A zstd:chunked layer.

    :param unpacked: the length of the table that the footer states.
    """
    archive = tar_of(entries)
    table = table_of(archive)
    files = _in_parts(archive, table, lambda part: compress(part, "zstd"))
    lie(table)
    toc = json.dumps(table).encode()
    packed = compress(toc, "zstd")
    offset, length = len(files) + 8, len(toc) if unpacked is None else unpacked
    numbers = struct.pack("<7Q", offset, len(packed), length, 1, 0, 0, 0)
    blob = files + skippable(packed) + skippable(numbers + b"GNUlInUx")
    annotations = {CHUNKED_DIGEST: sha256(packed), CHUNKED_POSITION: f"{offset}:{len(packed)}:{length}:1"}
    return LazyLayer(archive, blob, OCI_LAYER + "+zstd", annotations)


def skippable(content: bytes) -> bytes:
    """A zstd frame that readers of the archive pass over."""
    return struct.pack("<II", 0x184D2A50, len(content)) + content


def tar_member(name: str, content: bytes) -> bytes:
    """An archive of one file, with its end."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _end_of_members(tar: bytes) -> int:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        archive.getmembers()
        return archive.offset


def lazy_image(layers: Sequence[LazyLayer], *, user: str = "", **annotations: str) -> Stored:
    """An image whose manifest has the layers' annotations.

    :param annotations: ``checksum`` stands for that of zstd:chunked, ``toc_digest`` for that of eStargz.
    """
    names = {"checksum": CHUNKED_DIGEST, "toc_digest": STARGZ_DIGEST}
    plain = image(layers, user=user)
    document = json.loads(plain.body)
    document["layers"] = [layer.descriptor() for layer in layers]
    for descriptor in document["layers"]:
        descriptor["annotations"] |= {names[name]: value for name, value in annotations.items()}
    return replace(plain, body=compact_json(document))
