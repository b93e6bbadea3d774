"""What the demo registry serves: an OCI layout whose index names each descriptor ``repository:tag``."""

from __future__ import annotations

import json
import re
import threading
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

REF_NAME = "org.opencontainers.image.ref.name"
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What the index says of one tag."""

    digest: str
    media_type: str
    size: int


class Layout:
    """Reads ``index.json`` again whenever the file was replaced, so that pushes can be replayed while it is served."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stamp: tuple[int, int, int] | None = None
        self._repositories: dict[str, dict[str, Descriptor]] = {}
        self._types: dict[str, str] = {}
        self._lock = threading.Lock()

    def repositories(self, after: str = "", most: int | None = None) -> list[str]:
        """Sorted names that follow ``after``."""
        return _following(self._current(), after, most)

    def tags(self, repository: str, after: str = "", most: int | None = None) -> list[str] | None:
        """Sorted tags that follow ``after``; ``None`` for an unknown repository."""
        tags = self._current().get(repository)
        return None if tags is None else _following(tags, after, most)

    def manifest(self, repository: str, reference: str) -> Descriptor | None:
        """Find by tag, or by digest any document the layout holds."""
        tags = self._current().get(repository)
        if tags is None:
            return None
        if not _SHA256.fullmatch(reference):
            return tags.get(reference)
        path = self.blob(reference)
        if path is None:
            return None
        return Descriptor(reference, self._media_type(reference, path), path.stat().st_size)

    def blob(self, digest: str) -> Path | None:
        """The file of a blob, whichever repository asks."""
        match = _SHA256.fullmatch(digest)
        path = self.folder / "blobs" / "sha256" / match[1] if match else None
        return path if path and path.is_file() else None

    def _media_type(self, digest: str, path: Path) -> str:
        if digest not in self._types:
            document = json.loads(path.read_bytes())
            kind = "index" if "manifests" in document else "manifest"
            self._types[digest] = document.get("mediaType", f"application/vnd.oci.image.{kind}.v1+json")
        return self._types[digest]

    def _current(self) -> dict[str, dict[str, Descriptor]]:
        index = self.folder / "index.json"
        with self._lock:
            found = index.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._repositories = self._read(index)
                self._stamp = stamp
            return self._repositories

    def _read(self, index: Path) -> dict[str, dict[str, Descriptor]]:
        repositories: dict[str, dict[str, Descriptor]] = {}
        for entry in json.loads(index.read_bytes())["manifests"]:
            name = entry.get("annotations", {}).get(REF_NAME, "")
            repository, colon, tag = name.rpartition(":")
            if colon:
                descriptor = Descriptor(entry["digest"], entry["mediaType"], entry["size"])
                repositories.setdefault(repository, {})[tag] = descriptor
        return {name: dict(sorted(tags.items())) for name, tags in sorted(repositories.items())}


def _following(names: Iterable[str], after: str, most: int | None) -> list[str]:
    ordered = list(names)
    start = bisect_right(ordered, after) if after else 0
    return ordered[start:] if most is None else ordered[start : start + most]
