"""Layers made in memory, byte for byte the same on every run.

Written with Python's own ``tarfile`` on purpose: the product reads layers with a reader of its own,
so a mistake shared by writer and reader cannot hide.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
BUILT_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

Compression = Literal["gzip", "zstd", "plain"]


@dataclass(frozen=True, slots=True)
class File:
    """A regular file; ``capability`` is the raw ``security.capability`` value."""

    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    capability: bytes | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class Symlink:
    target: str


@dataclass(frozen=True, slots=True)
class HardLink:
    """A second name of ``target``, a path inside the same layer.

    :param says: the entry whose mode and owner its header states; ``None`` for the target's own, as archivers do.
    """

    target: str
    says: File | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A character device, as ``mknod`` in a Dockerfile leaves it."""

    major: int = 1
    minor: int = 3
    mode: int = 0o666


@dataclass(frozen=True, slots=True)
class Whiteout:
    """The path is deleted from the layers below."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """The folder hides everything below it in lower layers."""


Entry = File | Folder | Symlink | HardLink | Device | Whiteout | Opaque


@dataclass(frozen=True, slots=True)
class Layer:
    """``tar`` is the uncompressed archive, ``blob`` what a registry stores."""

    tar: bytes
    blob: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return sha256(self.blob)

    @property
    def diff_id(self) -> str:
        return sha256(self.tar)


# A fleet of images names one large base again and again; few are kept, since each keeps its bytes.
@lru_cache(maxsize=8)
def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def compress(content: bytes, compression: Compression) -> bytes:
    if compression == "gzip":
        return gzip.compress(content, compresslevel=6, mtime=0)
    return zstd.compress(content) if compression == "zstd" else content


def layer_from_tar(tar: bytes, compression: Compression = "gzip") -> Layer:
    """A layer of an archive the caller made: the way for malformed ones."""
    suffix = "" if compression == "plain" else f"+{compression}"
    return Layer(tar, compress(tar, compression), OCI_LAYER + suffix)


def layer(entries: Mapping[str, Entry], compression: Compression = "gzip") -> Layer:
    """A layer with exactly these entries, in this order; no parent folder is added."""
    return layer_from_tar(tar_of(entries), compression)


def tar_of(entries: Mapping[str, Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, entry in entries.items():
            member = _member(path.lstrip("/"), entry)
            if isinstance(entry, HardLink):
                says = entry.says or entries.get(entry.target)
                if isinstance(says, File):
                    member.mode, member.uid, member.gid = says.mode, says.uid, says.gid
                    member.pax_headers = _pax(says)
            archive.addfile(member, io.BytesIO(entry.content) if isinstance(entry, File) else None)
    return out.getvalue()


def _pax(file: File) -> dict[str, str]:
    if file.capability is None:
        return {}
    return {"SCHILY.xattr.security.capability": file.capability.decode("utf-8", "surrogateescape")}


def _member(path: str, entry: Entry) -> tarfile.TarInfo:
    parent, slash, name = path.rpartition("/")
    if isinstance(entry, Whiteout):
        path = f"{parent}{slash}.wh.{name}"
    elif isinstance(entry, Opaque):
        path = f"{path}/.wh..wh..opq"
    member = tarfile.TarInfo(path)
    member.mtime = int(BUILT_AT.timestamp())
    if isinstance(entry, (File, Folder)):
        member.mode, member.uid, member.gid = entry.mode, entry.uid, entry.gid
    if isinstance(entry, File):
        member.size = len(entry.content)
        member.pax_headers = _pax(entry)
    elif isinstance(entry, Folder):
        member.type = tarfile.DIRTYPE
    elif isinstance(entry, (Symlink, HardLink)):
        member.type = tarfile.SYMTYPE if isinstance(entry, Symlink) else tarfile.LNKTYPE
        member.linkname, member.mode = entry.target, 0o777
    elif isinstance(entry, Device):
        member.type, member.mode = tarfile.CHRTYPE, entry.mode
        member.devmajor, member.devminor = entry.major, entry.minor
    return member
