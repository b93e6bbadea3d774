"""Images made in memory, byte for byte the same on every run: what tests and the demo push."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tests.support.layers import (
    BUILT_AT,
    Compression,
    Device,
    Entry,
    File,
    Folder,
    HardLink,
    Layer,
    Opaque,
    Symlink,
    Whiteout,
    compress,
    layer,
    layer_from_tar,
    sha256,
    tar_of,
)

__all__ = [
    "BUILT_AT",
    "Compression",
    "Device",
    "Entry",
    "File",
    "Folder",
    "HardLink",
    "Json",
    "Layer",
    "Opaque",
    "Step",
    "Stored",
    "Symlink",
    "Whiteout",
    "artifact",
    "blob_descriptor",
    "buildkit",
    "compact_json",
    "compress",
    "copied",
    "docker_archive",
    "image",
    "image_from_config",
    "index",
    "layer",
    "layer_from_tar",
    "nop",
    "run",
    "sha256",
    "tar_of",
]

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One history entry, as the builder named it; ``empty`` ones changed the config only."""

    created_by: str
    empty: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest or index and every blob below it, ready to be written or pushed."""

    body: bytes
    media_type: str
    blobs: Mapping[str, bytes] = field(repr=False)
    platform: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Layer, ...] = field(default=(), repr=False)
    config: bytes = field(default=b"", repr=False)

    @property
    def digest(self) -> str:
        return sha256(self.body)

    def descriptor(self) -> Json:
        """What an index says about it."""
        found: Json = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}
        if self.platform is not None:
            found["platform"] = _platform(self.platform)
        if self.annotations:
            found["annotations"] = dict(self.annotations)
        return found


def compact_json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def nop(instruction: str) -> Step:
    """An instruction that makes no layer, as the classic builder writes it."""
    return Step(f"/bin/sh -c #(nop)  {instruction}")


def run(command: str) -> Step:
    """A RUN, as the classic builder writes it."""
    return Step(f"/bin/sh -c {command}", empty=False)


def copied(what: str) -> Step:
    """A COPY, as the classic builder writes it; ``what`` is ``file:… in /path``."""
    return Step(f"/bin/sh -c #(nop) COPY {what} ", empty=False)


def buildkit(instruction: str) -> Step:
    """An instruction as BuildKit writes it; RUN, COPY and ADD make a layer."""
    makes_layer = instruction.startswith(("RUN ", "COPY ", "ADD "))
    return Step(instruction, empty=not makes_layer, comment="buildkit.dockerfile.v0")


def image(
    layers: Sequence[Layer] = (),
    *,
    user: str | None = "",
    env: Sequence[str] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",),
    workdir: str = "",
    volumes: Iterable[str] = (),
    entrypoint: Sequence[str] | None = None,
    cmd: Sequence[str] | None = None,
    exposed: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    history: Sequence[Step] | None = None,
    platform: str = "linux/amd64",
    created: datetime = BUILT_AT,
) -> Stored:
    """A runnable image; ``user=None`` leaves the key out, ``""`` writes it empty as Docker does.

    :param annotations: of its manifest.
    """
    process: Json = {"Env": list(env), "WorkingDir": workdir}
    optional: Json = {
        "User": user,
        "Entrypoint": list(entrypoint) if entrypoint else None,
        "Cmd": list(cmd) if cmd else None,
        "Volumes": {path: {} for path in volumes},
        "ExposedPorts": {port: {} for port in exposed},
        "Labels": dict(labels or {}),
    }
    process |= {name: value for name, value in optional.items() if value or (name == "User" and value is not None)}
    steps = history if history is not None else [Step(f"ADD layer {n} in / ", empty=False) for n in range(len(layers))]
    config = {
        **_platform(platform),
        "created": _time(created),
        "config": process,
        "rootfs": {"type": "layers", "diff_ids": [item.diff_id for item in layers]},
        "history": [_history(step, created) for step in steps],
    }
    extra = {"annotations": dict(annotations)} if annotations else {}
    return image_from_config(compact_json(config), layers, platform=platform, **extra)


def image_from_config(
    config: bytes, layers: Sequence[Layer] = (), *, platform: str = "linux/amd64", **extra: object
) -> Stored:
    """An image around config bytes as they are: the way for configs no builder would write."""
    parts = [(item.media_type, item.blob) for item in layers]
    stored = artifact((OCI_CONFIG, config), parts, **extra)
    return replace(stored, platform=platform, layers=tuple(layers), config=config)


def artifact(config: tuple[str, bytes], parts: Sequence[tuple[str, bytes]], **extra: object) -> Stored:
    """Any manifest: a config and parts, each (media type, bytes); ``extra`` are further manifest fields."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": blob_descriptor(*config),
        "layers": [blob_descriptor(*part) for part in parts],
        **extra,
    }
    blobs = {sha256(content): content for _, content in (config, *parts)}
    return Stored(compact_json(manifest), OCI_MANIFEST, blobs)


def blob_descriptor(media_type: str, content: bytes) -> Json:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def index(children: Sequence[Stored], **extra: object) -> Stored:
    """A multi-platform tag; children may themselves be indexes."""
    body = compact_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [child.descriptor() for child in children],
            **extra,
        }
    )
    blobs: dict[str, bytes] = {}
    for child in children:
        blobs |= {**child.blobs, child.digest: child.body}
    return Stored(body, OCI_INDEX, blobs)


def docker_archive(images: Mapping[str, Stored]) -> bytes:
    """What ``docker load`` takes: name:tag → image."""
    entries: dict[str, Entry] = {}
    listing: list[Json] = []
    for name, stored in images.items():
        config = sha256(stored.config).removeprefix("sha256:") + ".json"
        paths = [item.diff_id.removeprefix("sha256:") + "/layer.tar" for item in stored.layers]
        entries[config] = File(stored.config)
        entries |= {path: File(item.tar) for path, item in zip(paths, stored.layers, strict=True)}
        listing.append({"Config": config, "RepoTags": [name], "Layers": paths})
    return tar_of({**entries, "manifest.json": File(compact_json(listing))})


def _platform(text: str) -> Json:
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _history(step: Step, created: datetime) -> Json:
    entry: Json = {"created": _time(created), "created_by": step.created_by}
    if step.empty:
        entry["empty_layer"] = True
    if step.comment:
        entry["comment"] = step.comment
    return entry
