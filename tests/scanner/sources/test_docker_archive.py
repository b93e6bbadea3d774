"""Archives of docker save, honest and hostile."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import RepositoryName, TagName
from scanner.inspection import inspect
from scanner.sources.docker_archive import open_docker_archive
from scanner.sources.local_files import pieces
from scanner.sources.local_images import LocalSource
from tests.support.archives import END, member, pax
from tests.support.images import (
    File,
    HardLink,
    Stored,
    Symlink,
    compact_json,
    docker_archive,
    image,
    index,
    layer,
    sha256,
    tar_of,
)

BASE = layer({"etc/passwd": File(b"root:x:0:0::/:/bin/sh\n")})
TOP = layer({"app/run": File(b"#!")})
APP = image([BASE, TOP], user="1001")
OTHER = image([BASE], user="1002")
CONFIG = sha256(APP.config)[7:] + ".json"
Open = Callable[..., LocalSource]


@pytest.fixture
def open_(tmp_path: Path) -> Any:
    opened = []

    def open_archive(content: bytes, limits: Limits = DEFAULT_LIMITS, name: str = "saved.tar") -> LocalSource:
        (tmp_path / name).write_bytes(content)
        opened.append(open_docker_archive(tmp_path / name, limits))
        return opened[-1]

    yield open_archive
    for source in opened:
        source.close()


def entry(config: str = CONFIG, layers: tuple[str, ...] = ("a/layer.tar", "b/layer.tar"), **more: object) -> Any:
    return {"Config": config, "RepoTags": ["app:1"], "Layers": list(layers), **more}


def archive(listing: object, **changed: Any) -> bytes:
    files = {CONFIG: File(APP.config), "a/layer.tar": File(BASE.tar), "b/layer.tar": File(TOP.tar), **changed}
    return tar_of({**files, "manifest.json": File(listing if isinstance(listing, bytes) else compact_json(listing))})


def user(source: LocalSource, name: str = "") -> str:
    found = source.find(name)
    (one,) = inspect(source, found.repository, found.reference, platform=None, limits=DEFAULT_LIMITS).images
    assert one.facts is not None, one.problem
    return one.facts.config.user


def test_names_and_documents(open_: Open) -> None:
    source = open_(docker_archive({"team/app:1": APP, "team/app:2": OTHER, "other:1": OTHER}))
    assert list(source.repositories()) == ["team/app", "other"]
    assert list(source.tags(RepositoryName("team/app"))) == ["1", "2"]
    assert [user(source, name) for name in ("team/app:1", "team/app:2", "other:1", sha256(APP.config))] == [
        *("1001", "1002", "1002", "1001"),
    ]
    resolved = source.resolve(RepositoryName("other"), TagName("1"))
    document = source.document(RepositoryName("other"), resolved.digest)
    assert (sha256(document.body), json.loads(document.body)["config"]["digest"]) == (
        resolved.digest,
        sha256(OTHER.config),
    )


def test_the_same_bytes_give_the_same_manifest(open_: Open) -> None:
    first, second = open_(docker_archive({"a:1": APP})), open_(docker_archive({"b:2": OTHER, "a:1": APP}), name="b.tar")
    digests = {source.resolve(RepositoryName("a"), TagName("1")).digest for source in (first, second)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    "changed", [{"b/layer.tar": Symlink("../c/layer.tar")}, {"b/layer.tar": HardLink("c/layer.tar")}]
)
def test_links_inside(open_: Open, changed: Any) -> None:
    assert user(open_(archive([entry()], **{"c/layer.tar": File(TOP.tar), **changed}))) == "1001"


def test_an_image_without_a_name(open_: Open) -> None:
    source = open_(archive([entry(RepoTags=None)]), name="My Shop.tar")
    (repository,) = source.repositories()
    (tag,) = source.tags(repository)
    assert (repository, tag) == ("my-shop", f"sha256-{CONFIG[:64]}")
    assert user(source) == "1001"


def test_compressed_as_a_whole(open_: Open) -> None:
    assert user(open_(gzip.compress(archive([entry()])), name="x.tar.gz")) == "1001"


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "source-invalid"),
    "no archive": (b"x" * 2_000, "source-invalid"),
    "cut": (archive([entry()])[:5_000], "source-invalid"),
    "cut gzip": (gzip.compress(archive([entry()]))[:-20], "source-invalid"),
    "xz": (lzma.compress(b"x"), "source-invalid"),
    "bzip2": (bz2.compress(b"x"), "source-invalid"),
    "no manifest.json": (tar_of({"a": File(b"")}), "source-invalid"),
    "not JSON": (archive(b"{"), "source-invalid"),
    "not a list": (archive({"Config": "x"}), "source-invalid"),
    "no config": (archive([{"Layers": []}]), "source-invalid"),
    "numbers": (archive([entry(RepoTags=[7])]), "source-invalid"),
    "a key twice": (archive(b'[{"Config": "a.json", "Config": "b.json"}]'), "source-ambiguous"),
    "a key in two cases": (archive(b'[{"Config": "a.json", "config": "b.json"}]'), "source-ambiguous"),
    "config missing": (archive([entry("c.json")]), "blob-unknown"),
    "config elsewhere": (archive([entry("../../etc/passwd")]), "blob-unknown"),
    "config absolute": (archive([entry("/etc/passwd")]), "blob-unknown"),
    "config of another name": (
        archive([entry("0" * 64 + ".json")], **{"0" * 64 + ".json": File(b"{}")}),
        "digest-mismatch",
    ),
    "layer missing": (archive([entry(layers=("a/layer.tar", "z"))]), "blob-unknown"),
    "layer elsewhere": (archive([entry(layers=("a/layer.tar", "/etc/passwd"))]), "blob-unknown"),
    "link out": (archive([entry()], **{"b/layer.tar": Symlink("../../etc/passwd")}), "source-forbidden"),
    "link absolute": (archive([entry()], **{"b/layer.tar": Symlink("/etc/passwd")}), "source-forbidden"),
    "link to itself": (archive([entry()], **{"b/layer.tar": Symlink("layer.tar")}), "source-invalid"),
    "link to nothing": (archive([entry()], **{"b/layer.tar": Symlink("nothing")}), "blob-unknown"),
    "absolute member": (member(b"/manifest.json", b"[]") + END, "source-invalid"),
    "member above": (member(b"a/../../manifest.json", b"[]") + END, "source-invalid"),
    "manifest.json twice": (
        member(b"manifest.json", b"[]") + member(b"./manifest.json", b"[]") + END,
        "source-ambiguous",
    ),
    "config twice": (member(CONFIG.encode(), APP.config) + archive([entry()]), "source-ambiguous"),
    "layer twice": (member(b"a/layer.tar", b"x") + archive([entry()]), "source-ambiguous"),
    "a device": (member(b"null", kind=b"3") + END, "source-invalid"),
    "sparse": (
        pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"5"})
        + member(b"x", b"0\n".ljust(512, b"\0"))
        + END,
        "source-invalid",
    ),
    "several": (
        archive([entry(), entry(RepoTags=["other:1"], Config="b.json")], **{"b.json": File(OTHER.config)}),
        "image-not-named",
    ),
    "none": (archive([]), "image-unknown"),
    "one name twice": (
        archive([entry(), entry("b.json", ("a/layer.tar",))], **{"b.json": File(OTHER.config)}),
        "image-not-named",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_has_a_name(open_: Open, name: str) -> None:
    content, code = HOSTILE[name]
    with pytest.raises(ScanProblem) as caught:
        user(open_(content))
    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)


def both_tables(shown: Stored, *, other: str) -> bytes:
    """manifest.json names APP; index.json names ``shown``."""
    blobs = {**APP.blobs, APP.digest: APP.body, **shown.blobs, shown.digest: shown.body}
    files = {f"blobs/{digest.replace(':', '/')}": File(body) for digest, body in blobs.items()}
    paths = [f"blobs/sha256/{found.digest[7:]}" for found in (BASE, TOP)]
    annotations = {"io.containerd.image.name": other}
    listing = {"schemaVersion": 2, "manifests": [{**shown.descriptor(), "annotations": annotations}]}
    return tar_of(
        {
            **files,
            "oci-layout": File(b'{"imageLayoutVersion":"1.0.0"}'),
            "index.json": File(compact_json(listing)),
            "manifest.json": File(compact_json([entry(f"blobs/sha256/{sha256(APP.config)[7:]}", tuple(paths))])),
        }
    )


@pytest.mark.parametrize("shown", [APP, index([APP, OTHER])])
@pytest.mark.parametrize("name", ["docker.io/library/app:1", "other:2"])
def test_two_tables_that_agree(open_: Open, shown: Stored, name: str) -> None:
    assert user(open_(both_tables(shown, other=name))) == "1001"


@pytest.mark.parametrize("shown", [OTHER, index([OTHER])])
@pytest.mark.parametrize("name", ["docker.io/library/app:1", "other:2"])
def test_two_tables_that_differ(open_: Open, shown: Stored, name: str) -> None:
    with pytest.raises(ScanProblem) as caught:
        open_(both_tables(shown, other=name))
    assert caught.value.code == "source-ambiguous"
    assert "manifest.json and index.json" in caught.value.message


def test_a_name_that_stands_for_two_images(open_: Open) -> None:
    source = open_(HOSTILE["one name twice"][0])
    with pytest.raises(ScanProblem) as caught:
        source.find("app:1")
    assert caught.value.code == "source-ambiguous"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"layers": 1}, "limit-layers"),
        ({"listing_bytes": 10}, "limit-listing-bytes"),
        ({"config_bytes": 10}, "limit-config-bytes"),
        ({"archive_members": 2}, "limit-archive-members"),
    ],
)
def test_limits(open_: Open, limits: Any, code: str) -> None:
    with pytest.raises(ScanProblem) as caught:
        user(open_(archive([entry()]), replace(DEFAULT_LIMITS, **limits)))
    assert caught.value.code == code


def test_a_bomb_stops(open_: Open) -> None:
    with pytest.raises(ScanProblem) as caught:
        open_(gzip.compress(bytes(1 << 22)), replace(DEFAULT_LIMITS, archive_bytes=1 << 20), name="x.gz")
    assert caught.value.code == "limit-archive-bytes"


def test_a_large_member_is_passed_over_without_being_read(open_: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(descriptor: int, start: int, length: int, subject: str) -> Iterator[bytes]:
        read.append(length)
        return pieces(descriptor, start, length, subject)

    monkeypatch.setattr("scanner.sources.archive_members.pieces", counted)
    open_(member(b"large", bytes(10 << 20)) + archive([entry()]))
    assert 0 < sum(read) < 1 << 20
