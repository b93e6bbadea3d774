"""Images for Windows, and what only says that it is one.

The config's ``os`` is the uploader's word, and not everybody asks: Podman starts an image of any ``os`` with a warning.
So one counts as an image for Windows only where its layers are such layers. Those have all files of the container below
``Files`` and its registry below ``Hives``, and no Linux program in them.

Source of the names: hcsshim ``pkg/ociwclayer``; of the users: Microsoft's "Secure Windows containers".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from scanner.domain.image_config import ImageConfig
from scanner.domain.manifest import Descriptor, ImageManifest, LayerKind, layer_kind
from scanner.domain.problems import ImageProblem
from scanner.filesystem.layer_columns import ROOT
from scanner.filesystem.layer_index import LayerIndex

_TOP_LEVEL = re.compile(
    rb"files|hives|utilityvm|bcd(?:\.log\d?)?\.bak|blank(?:-base)?\.vhdx|tombstones\.txt", re.IGNORECASE
)

_MICROSOFT = re.compile(r"https://(?:[a-z0-9-]+\.)*microsoft\.com/")


def is_for_windows(config: ImageConfig) -> bool:
    """Whether the config says so."""
    return config.platform.os.lower() == "windows"


def without_base(manifest: ImageManifest, config: ImageConfig) -> tuple[ImageManifest, ImageConfig]:
    """Leave out the layers that lie where Windows' base layers do, which nobody else was allowed to distribute.

    No runtime for Linux fetches those; what else there is must be read, since any config can say *windows*.
    """
    if len(config.diff_ids) != len(manifest.layers):
        return manifest, config
    kept = [
        (layer, diff_id) for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True) if not _is_base(layer)
    ]
    layers, diff_ids = tuple(layer for layer, _ in kept), tuple(diff_id for _, diff_id in kept)
    return replace(manifest, layers=layers), replace(config, diff_ids=diff_ids)


def _is_base(layer: Descriptor) -> bool:
    foreign = layer_kind(layer.media_type) is LayerKind.FOREIGN
    return foreign and bool(layer.urls) and all(map(_MICROSOFT.match, layer.urls))


def windows_kind(config: ImageConfig) -> str:
    """What such an image is, in words; whom it runs as is up to the base where it names no user."""
    if config.user:
        return f"Windows image, which runs as {config.user}"
    return (
        "Windows image, which names no user: ContainerAdministrator on a base of Server Core, ContainerUser on one of"
        " Nano Server"
    )


def refuse_linux_inside(layer_indexes: Sequence[LayerIndex]) -> None:
    """Make sure that layers of an image for Windows hold nothing that Linux would run.

    :raises ImageProblem: ``disguised-image`` where they do, or where they are not laid out for Windows.
    """
    if not layer_indexes:
        raise _disguised("it has no layers")
    for position, layer in enumerate(layer_indexes):
        for node in layer.children(ROOT):
            if not _TOP_LEVEL.fullmatch(layer.name(node)):
                raise _disguised(f"layer {position + 1} holds files as Linux has them")
        if any(not record.startswith((b"O", b"S")) for record in layer.programs()):
            raise _disguised(f"layer {position + 1} holds a program for Linux")


def _disguised(what: str) -> ImageProblem:
    return ImageProblem(
        "disguised-image",
        f"its config calls it an image for Windows, but {what}: Podman runs it",
        remedy="Find out who pushed it. If it is meant to run on Linux, build it for Linux.",
    )
