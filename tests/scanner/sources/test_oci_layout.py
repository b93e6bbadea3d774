"""OCI layouts, honest and hostile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import RepositoryName, TagName
from scanner.inspection import inspect
from scanner.sources.oci_layout import LayoutSource, open_oci_layout
from tests.support.images import File, Json, Stored, compact_json, image, index, layer
from tests.support.oci_layout import REF_NAME, OciLayout

BASE = layer({"etc/passwd": File(b"root:x:0:0::/:/bin/sh\n")})
APP = image([BASE], user="1001")
ARM = image([BASE], user="1002", platform="linux/arm64")
NESTED = index([index([APP, ARM]), image([BASE], user="1003", platform="linux/s390x")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "Shop"
    layout = OciLayout(inside)
    for stored in (APP, ARM, NESTED):
        layout.put_image(stored)
    return inside


def listed(folder: Path, *entries: Json) -> LayoutSource:
    (folder / "index.json").write_bytes(compact_json({"schemaVersion": 2, "manifests": entries}))
    return open_oci_layout(folder)


def named(stored: Stored, name: str | None = None, **annotations: str) -> Json:
    found = annotations | ({REF_NAME: name} if name is not None else {})
    return {**stored.descriptor(), "annotations": found}


def users(source: LayoutSource, name: str = "", limits: Limits = DEFAULT_LIMITS) -> list[tuple[str, str]]:
    found = source.find(name)
    images = inspect(source, found.repository, found.reference, platform=None, limits=limits).images
    for one in images:
        if one.problem is not None:
            raise one.problem
    return [(one.platform, one.facts.config.user) for one in images if one.facts is not None]


def test_names(folder: Path) -> None:
    full = {"io.containerd.image.name": "docker.io/library/redis:7"}
    entries = (named(APP, "1"), named(ARM, "team/shop:2"), named(ARM, "7", **full), named(ARM), named(APP, "Ü"))
    source = listed(folder, *entries)
    names = {name: list(source.tags(name)) for name in source.repositories()}
    source.close()
    assert names == {
        "shop": ["1", ARM.digest.replace(":", "-"), APP.digest.replace(":", "-")],
        "team/shop": ["2"],
        "redis": ["7"],
    }


@pytest.mark.parametrize(
    ("name", "user"), [("1", "1001"), ("shop:1", "1001"), ("team/shop:2", "1002"), (ARM.digest, "1002")]
)
def test_found_by_annotation_name_or_digest(folder: Path, name: str, user: str) -> None:
    source = listed(folder, named(APP, "1"), named(ARM, "team/shop:2"))
    assert [found for _, found in users(source, name)] == [user]
    source.close()


def test_nested_indexes(folder: Path) -> None:
    source = listed(folder, named(NESTED))
    assert users(source) == [("linux/amd64", "1001"), ("linux/arm64", "1002"), ("linux/s390x", "1003")]
    source.close()


def test_resolve_says_what_the_index_says(folder: Path) -> None:
    source = listed(folder, named(APP, "1"))
    found = source.resolve(RepositoryName("shop"), TagName("1"))
    source.close()
    assert (found.digest, found.media_type, found.size) == (APP.digest, APP.media_type, len(APP.body))


def test_one_image_under_two_entries_is_one(folder: Path) -> None:
    source = listed(folder, named(APP, "1"), named(APP, "1"))
    assert users(source, "1") == users(source)
    source.close()


def blob(folder: Path, stored: Stored) -> Path:
    return folder / "blobs" / "sha256" / stored.digest[7:]


def layer_blob(folder: Path) -> Path:
    return folder / "blobs" / "sha256" / BASE.digest[7:]


def outside(path: Path) -> None:
    path.rename(path.parents[3] / "outside")
    path.symlink_to(path.parents[3] / "outside")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: blob(folder, APP).write_bytes(b"{}"), "digest-mismatch"),
        (lambda folder: blob(folder, APP).unlink(), "blob-unknown"),
        (lambda folder: outside(blob(folder, APP)), "source-forbidden"),
        (lambda folder: outside(layer_blob(folder)), "source-forbidden"),
        (lambda folder: layer_blob(folder).write_bytes(b"short"), "digest-mismatch"),
        (lambda folder: layer_blob(folder).write_bytes(bytes(len(BASE.blob))), "digest-mismatch"),
        (lambda folder: layer_blob(folder).unlink(), "blob-unknown"),
    ],
)
def test_blobs_that_are_not_what_they_should_be(folder: Path, change: Any, code: str) -> None:
    source = listed(folder, named(APP, "1"))
    change(folder)
    with pytest.raises(ScanProblem) as caught:
        users(source)
    source.close()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("oci-layout", None, "source-invalid"),
        ("index.json", None, "source-invalid"),
        ("index.json", b"", "source-invalid"),
        ("index.json", b"[]", "source-invalid"),
        ("index.json", b"{}", "source-invalid"),
        ("index.json", b'{"manifests": [{"digest": "sha256:../../x", "size": 1}]}', "source-invalid"),
        ("index.json", b'{"manifests": [], "layers": [{}]}', "source-invalid"),
        ("index.json", b'{"manifests": [], "Manifests": []}', "source-invalid"),
        ("index.json", b"[" * 100 + b"]" * 100, "limit-json-depth"),
        ("index.json", b" " * (DEFAULT_LIMITS.listing_bytes + 1), "limit-listing-bytes"),
    ],
)
def test_no_layout(folder: Path, name: str, content: bytes | None, code: str) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ScanProblem) as caught:
        open_oci_layout(folder)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("entries", "name", "code"),
    [
        ([], "", "image-unknown"),
        ([named(APP, "1"), named(ARM, "2")], "", "image-not-named"),
        ([named(APP, "1"), named(ARM, "1")], "1", "source-ambiguous"),
        ([named(APP, "1")], "2", "image-unknown"),
        ([named(APP, "1")], "Ü", "image-unknown"),
        ([named(APP, "1")], "sha256:" + "0" * 64, "blob-unknown"),
    ],
)
def test_names_that_stand_for_no_image(folder: Path, entries: list[Json], name: str, code: str) -> None:
    source = listed(folder, *entries)
    with pytest.raises(ScanProblem) as caught:
        users(source, name)
    source.close()
    assert caught.value.code == code
