"""Where the table of contents of an eStargz layer lies: in a gzip member that the blob's last 51 bytes point to.

The footer is an empty gzip member whose extra field ``SG`` holds the table's offset in 16 hexadecimal digits and
``STARGZ``. An older one (46 or 47 bytes) has no length before it. ``STARGZEXTERNALTOC`` means that the table is kept
in another image.

Source: stargz-snapshotter ``estargz/gzip.go``, ``docs/estargz.md``.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded, ScanProblem
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.compression import decompressed
from scanner.filesystem.tar import TarReader
from scanner.filesystem.toc import BadToc

FOOTER_BYTES: Final = 51
TOC_NAME: Final = b"stargz.index.json"
ANNOTATION: Final = "containerd.io/snapshot/stargz/toc.digest"
_MAGIC = b"\x1f\x8b\x08\x04"
_POINTER = re.compile(rb"(?:SG\x16\x00)?([0-9a-fA-F]{16})STARGZ")


def toc_offset(tail: bytes) -> int | None:
    """Where the table begins, by the end of a blob; ``None`` where the blob is no eStargz.

    :param tail: at least its last ``FOOTER_BYTES``.
    """
    for length in (FOOTER_BYTES, 47):
        footer = tail[-length:]
        found = _POINTER.match(footer, 12) if footer.startswith(_MAGIC) else None
        if found is not None:
            return int(found[1], 16)
    return None


def toc_json(member: bytes, limits: Limits) -> bytes:
    """Unpack the table.

    :param member: the blob from ``toc_offset`` on.
    :raises BadToc: where there is none.
    :raises LimitExceeded: ``toc_bytes``.
    """
    try:
        archive = TarReader(ByteStream(decompressed(iter([member]), limits)), limits)
        entry = next(iter(archive), None)
        if entry is None or entry.name != TOC_NAME or entry.type != "0":
            raise BadToc("its footer points to something else")
        if entry.size > limits.toc_bytes:
            raise LimitExceeded("toc_bytes", limits.toc_bytes, entry.size, subject="table of contents of the layer")
        return archive.read()
    except LimitExceeded:
        raise
    except ScanProblem as problem:
        raise BadToc(problem.message) from problem


def toc_digest(toc: bytes) -> str:
    """What ``ANNOTATION`` states."""
    return "sha256:" + hashlib.sha256(toc).hexdigest()
