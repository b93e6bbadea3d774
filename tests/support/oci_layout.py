"""An OCI image layout on disk (image-spec, image-layout.md) that holds a whole registry.

Each descriptor in ``index.json`` carries ``org.opencontainers.image.ref.name`` = ``repository:tag``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.images import OCI_INDEX, Json, Stored, sha256

REF_NAME = "org.opencontainers.image.ref.name"


class OciLayout:
    """Opens the layout in ``folder``, or begins one there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._held = False
        self._stored: set[str] = set()
        self._tags: dict[str, Json] = {}
        index = folder / "index.json"
        if index.exists():
            for descriptor in json.loads(index.read_bytes())["manifests"]:
                self._tags[descriptor["annotations"][REF_NAME]] = descriptor
        else:
            _replace(folder / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            self._save()

    def put_blob(self, content: bytes) -> str:
        """Store bytes under their digest, which is returned."""
        digest = sha256(content)
        if digest in self._stored:
            return digest
        self._stored.add(digest)
        path = self._blobs / digest.removeprefix("sha256:")
        if not path.exists():
            _replace(path, content)
        return digest

    def put_image(self, stored: Stored) -> Json:
        """Store a manifest or index with all it needs; the descriptor is for ``tag``."""
        for content in stored.blobs.values():
            self.put_blob(content)
        self.put_blob(stored.body)
        return stored.descriptor()

    def tag(self, repository: str, tag: str, target: Stored | Json) -> None:
        """Point ``repository:tag`` at ``target``, storing it first if it is an image."""
        descriptor = self.put_image(target) if isinstance(target, Stored) else dict(target)
        name = f"{repository}:{tag}"
        descriptor["annotations"] = {REF_NAME: name}
        self._tags[name] = descriptor
        self._save()

    def untag(self, repository: str, tag: str) -> None:
        self._tags.pop(f"{repository}:{tag}", None)
        self._save()

    def delete_repository(self, repository: str) -> None:
        self._tags = {name: found for name, found in self._tags.items() if name.rpartition(":")[0] != repository}
        self._save()

    def clear(self) -> None:
        """Forget every tag; blobs stay."""
        self._tags = {}
        self._save()

    def tags(self) -> dict[str, str]:
        """``repository:tag`` → digest."""
        return {name: str(descriptor["digest"]) for name, descriptor in self._tags.items()}

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write ``index.json`` once, after many changes."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self._save()

    def _save(self) -> None:
        if self._held:
            return
        manifests = [self._tags[name] for name in sorted(self._tags)]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
        _replace(self.folder / "index.json", json.dumps(document).encode())


def _replace(path: Path, content: bytes) -> None:
    """Readers of another process see the old file or the new one, never half of it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    fresh.write_bytes(content)
    fresh.rename(path)
