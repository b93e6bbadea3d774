from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.reference import TagName
from scanner.inspection import InspectedImage, inspect
from tests.scanner.test_inspection import SHOP, Shelf
from tests.support.images import Entry, File, Folder, Stored, Whiteout, compact_json, image, layer

HEADER = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
ELF = b"\x7fELF\2\1\1".ljust(16, b"\0") + HEADER + b"\1".ljust(56, b"\0")
FILES: dict[str, Entry] = {"Files": Folder(), "Files/Windows/cmd.exe": File(b"MZ"), "Hives/System_Delta": File()}
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def only(stored: Stored) -> InspectedImage:
    (found,) = inspect(Shelf(stored), SHOP, TagName("latest"), platform=None, limits=DEFAULT_LIMITS).images
    return found


def windows(*trees: dict[str, Entry], user: str = "", platform: str = "windows/amd64") -> Stored:
    return image([layer(tree) for tree in trees], user=user, platform=platform)


def foreign(*urls: str, above: tuple[dict[str, Entry], ...] = ()) -> Stored:
    """An image whose base layer is of the type that only Windows used, at some addresses."""
    stored = windows({"etc/passwd": File()}, *above)
    manifest = json.loads(stored.body)
    manifest["layers"][0] |= {"mediaType": FOREIGN, "urls": list(urls)}
    return replace(stored, body=compact_json(manifest))


WINDOWS = {
    "files and hives": windows(FILES, {"Files/app.exe": File(b"MZ", 0o755)}),
    "names in another case": windows({"files/a": File(), "HIVES/b": File(), "UtilityVM/Files/c": File()}),
    "a removed file": windows(FILES, {"Files/Windows/cmd.exe": Whiteout()}),
    "shell scripts, which Git for Windows has": windows({"Files/run.sh": File(b"#!/bin/sh\n", 0o755)}),
    "half a program, which the kernel refuses": windows({"Files/app": File(ELF[:60], 0o755)}),
    "an empty layer": windows(FILES, {}),
    "os in another case": windows(FILES, platform="Windows/amd64"),
    "a base layer kept elsewhere": foreign("https://mcr.microsoft.com/v2/windows/blobs/sha256:1"),
    "an own layer on a base kept elsewhere": foreign("https://mcr.microsoft.com/v2/x", above=(FILES,)),
}


@pytest.mark.parametrize("stored", WINDOWS.values(), ids=WINDOWS)
def test_images_for_windows_are_not_applicable(stored: Stored) -> None:
    found = only(stored)
    assert (found.facts, found.problem) == (None, None)
    assert found.artifact is not None
    assert found.artifact.startswith("Windows image, which names no user: ContainerAdministrator on")


def test_the_user_is_named() -> None:
    assert only(windows(FILES, user="ContainerUser")).artifact == "Windows image, which runs as ContainerUser"


DISGUISED = {
    "a Linux tree": (windows({"etc/passwd": File()}), "layer 1 holds files as Linux has them"),
    "a Linux tree above": (windows(FILES, {"bin/sh": File()}), "layer 2 holds files as Linux has them"),
    "a Linux program": (windows({"Files/app": File(ELF, 0o755)}), "layer 1 holds a program for Linux"),
    "a file called Files": (windows({"Files": File(ELF, 0o755)}), "layer 1 holds a program for Linux"),
    "Linux on a base kept elsewhere": (
        foreign("https://mcr.microsoft.com/v2/x", above=({"bin/sh": File(ELF, 0o755)},)),
        "layer 1 holds files as Linux has them",
    ),
    "no layers": (windows(), "it has no layers"),
    "a link into nowhere": (windows({"Filesystem": Folder()}), "layer 1 holds files as Linux has them"),
}


@pytest.mark.parametrize(("stored", "why"), DISGUISED.values(), ids=DISGUISED)
def test_what_linux_runs_is_no_image_for_windows(stored: Stored, why: str) -> None:
    found = only(stored)
    assert found.problem is not None
    assert (found.problem.code, found.artifact) == ("disguised-image", None)
    assert why in found.problem.message


@pytest.mark.parametrize(
    "url", ["https://evil.example/microsoft.com/", "https://microsoft.com.evil.example/", "http://mcr.microsoft.com/"]
)
def test_layers_kept_by_others_are_unknown(url: str) -> None:
    found = only(foreign("https://mcr.microsoft.com/x", url))
    assert found.problem is not None
    assert found.problem.code == "foreign-layer"


def test_foreign_layers_without_an_address_are_unknown() -> None:
    found = only(foreign())
    assert found.problem is not None
    assert found.problem.code == "foreign-layer"
