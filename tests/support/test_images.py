"""The builder makes what other people's tools take, the same bytes every time."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.artifacts import attestation, helm_chart, signature
from tests.support.images import (
    File,
    Folder,
    HardLink,
    Opaque,
    Stored,
    Symlink,
    Whiteout,
    image,
    index,
    layer,
    nop,
    run,
)
from tests.support.layers import Compression
from tests.support.oci_layout import OciLayout

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/app:/bin/sh\n"


def _shop(compression: Compression = "gzip", platform: str = "linux/amd64") -> Stored:
    base = layer(
        {
            "etc": Folder(),
            "etc/passwd": File(PASSWD),
            "etc/alias": Symlink("passwd"),
            "old": File(b"old"),
            "app": Folder(0o755, 1001, 1001),
            "app/data": File(b"data"),
        },
        compression,
    )
    top = layer(
        {"old": Whiteout(), "app": Opaque(), "app/new": File(b"new"), "app/twin": HardLink("app/new")}, compression
    )
    return image(
        [base, top], user="app", workdir="/app", history=[run("one"), run("two"), nop("USER app")], platform=platform
    )


def test_the_same_bytes_every_time() -> None:
    assert _shop().digest == _shop().digest
    assert _shop("zstd").digest == _shop("zstd").digest


def test_an_umoci_bundle_holds_what_was_put_in(tmp_path: Path) -> None:
    OciLayout(tmp_path / "layout").tag("team/shop", "1.4", _shop())
    _skopeo(tmp_path, "team/shop:1.4")
    subprocess.run(
        [_program("umoci"), "unpack", "--image", f"{tmp_path}/copy:copied", str(tmp_path / "bundle")],
        check=True,
        capture_output=True,
    )

    root = tmp_path / "bundle" / "rootfs"
    process = json.loads((tmp_path / "bundle" / "config.json").read_bytes())["process"]
    assert (root / "etc/passwd").read_bytes() == (root / "etc/alias").read_bytes() == PASSWD
    assert sorted(path.name for path in root.iterdir()) == ["app", "etc"]
    assert sorted(path.name for path in (root / "app").iterdir()) == ["new", "twin"]
    assert (process["user"]["uid"], process["user"]["gid"], process["cwd"]) == (1001, 1001, "/app")


@pytest.mark.parametrize("compression", ["gzip", "zstd", "plain"])
def test_skopeo_takes_every_compression(tmp_path: Path, compression: Compression) -> None:
    OciLayout(tmp_path / "layout").tag("team/shop", "1.4", _shop(compression))

    _skopeo(tmp_path, "team/shop:1.4")


def test_skopeo_takes_an_index_with_an_attestation(tmp_path: Path) -> None:
    shop = _shop()
    both = index([shop, _shop(platform="linux/arm64"), attestation(shop)])
    OciLayout(tmp_path / "layout").tag("team/shop", "1.4", both)

    _skopeo(tmp_path, "team/shop:1.4")


@pytest.mark.parametrize("artifact", [helm_chart("shop", "1.0.0"), signature(image())])
def test_skopeo_takes_artifacts(tmp_path: Path, artifact: Stored) -> None:
    OciLayout(tmp_path / "layout").tag("charts/shop", "1.0.0", artifact)

    _skopeo(tmp_path, "charts/shop:1.0.0")


def _skopeo(folder: Path, name: str) -> None:
    subprocess.run(
        [
            _program("skopeo"),
            "copy",
            "--all",
            "--insecure-policy",
            f"oci:{folder}/layout:{name}",
            f"oci:{folder}/copy:copied",
        ],
        check=True,
        capture_output=True,
    )


def _program(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is not installed; on Debian: apt-get install {name}"
    return path
