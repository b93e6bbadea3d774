"""An engine that says what we tell it to, on a socket of its own. Real engines are in ``test_local_real_tools``."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.manifest import IndexManifest, parse_document
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.inspection import inspect
from scanner.sources.docker_engine import EngineSource
from tests.support.images import File, Stored, compact_json, docker_archive, image, index, layer, sha256, tar_of

BASE = layer({"etc/passwd": File(b"root:x:0:0::/:/bin/sh\n")})
APP = image([BASE], user="1001")
ARM = image([BASE], user="1002", platform="linux/arm64")
APP_ID = sha256(APP.config)
BOTH = index([APP, ARM])
SHOP, ONE = RepositoryName("team/shop"), TagName("1")


@dataclass
class FakeEngine:
    """Answers of the engine's interface: images by name, and the archive of each."""

    folder: Path
    listed: Any = field(default_factory=list)
    images: dict[str, Any] = field(default_factory=dict)
    saved: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    delay: float = 0.0
    cut: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"DOCKER_HOST": f"unix://{self.folder}/s"}

    def has(self, name: str, image_id: str, archive: bytes, **extra: object) -> None:
        for known in (name, image_id):
            self.images[known] = {"Id": image_id, **extra}
        self.saved[image_id] = archive
        self.listed.append({"Id": image_id, "RepoTags": [name], "RepoDigests": []})

    def open(self, limits: Limits = DEFAULT_LIMITS) -> EngineSource:
        return EngineSource(limits, self.environment)

    def answer(self, path: str) -> bytes | None:
        """The body of an answer; ``None`` is 404."""
        self.asked.append(path)
        if path.endswith("/version"):
            return compact_json({"ApiVersion": "1.41", "Version": "x"})
        if "/images/json" in path:
            return compact_json(self.listed)
        name, _, kind = path.partition("/images/")[2].rpartition("/")
        if kind == "get":
            return self.saved.get(name)
        return compact_json(self.images[name]) if name in self.images else None


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    engine: FakeEngine


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        engine = self.server.engine
        body = engine.answer(self.path.partition("?")[0].replace("%3A", ":"))
        if not self.path.endswith("/version"):
            time.sleep(engine.delay)
        status = 404 if body is None else engine.status if "/images/" in self.path else 200
        body = body if status == 200 and body is not None else b'{"message": "in the engine\'s own words"}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if engine.cut and self.path.endswith("/get") else body)
        self.close_connection = True


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with TemporaryDirectory(prefix="e") as folder:
        engine = FakeEngine(Path(folder))
        with _Server(f"{folder}/s", _Handler) as server:
            server.engine = engine
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield engine
            finally:
                server.shutdown()
                thread.join()


def oci_archive(*stored: Stored, without: tuple[str, ...] = ()) -> bytes:
    """What an engine with containerd's image store saves; ``without`` digests that were never pulled."""
    blobs = {digest: body for one in stored for digest, body in {**one.blobs, one.digest: one.body}.items()}
    files = {f"blobs/{digest.replace(':', '/')}": File(body) for digest, body in blobs.items() if digest not in without}
    listing = compact_json({"schemaVersion": 2, "manifests": [one.descriptor() for one in stored]})
    return tar_of({**files, "oci-layout": File(b'{"imageLayoutVersion":"1.0.0"}'), "index.json": File(listing)})


def user_of(source: EngineSource) -> list[tuple[str, str | None]]:
    found = inspect(source, SHOP, ONE, platform=None, limits=DEFAULT_LIMITS)
    return [(one.platform, one.facts.config.user if one.facts else None) for one in found.images]


def test_an_image_is_known_by_its_id(fake: FakeEngine) -> None:
    fake.has("team/shop:1", APP_ID, docker_archive({"team/shop:1": APP}))
    with fake.open() as source:
        assert source.resolve(SHOP, ONE).digest == APP_ID
        assert not [path for path in fake.asked if path.endswith("/get")]
        assert source.document(SHOP, ONE).digest == APP_ID
        assert user_of(source) == [("linux/amd64", "1001")]
    assert len([path for path in fake.asked if path.endswith("/get")]) == 1


def test_a_manifest_of_containerds_store(fake: FakeEngine) -> None:
    fake.has("team/shop:1", APP.digest, oci_archive(APP), Descriptor={"mediaType": APP.media_type})
    with fake.open() as source:
        assert source.resolve(SHOP, ONE).media_type == APP.media_type
        assert source.document(SHOP, ONE).body == APP.body
        assert user_of(source) == [("linux/amd64", "1001")]


def test_an_index_of_containerds_store(fake: FakeEngine) -> None:
    fake.has("team/shop:1", BOTH.digest, oci_archive(BOTH))
    with fake.open() as source:
        assert source.document(SHOP, ONE).body == BOTH.body
        assert user_of(source) == [("linux/amd64", "1001"), ("linux/arm64", "1002")]


def test_a_platform_that_was_never_pulled_is_left_out(fake: FakeEngine) -> None:
    fake.has("team/shop:1", BOTH.digest, oci_archive(BOTH, without=(ARM.digest,)))
    with fake.open() as source:
        document = source.document(SHOP, ONE)
        assert document.digest == BOTH.digest
        parsed = parse_document(document.body, document.media_type, DEFAULT_LIMITS)
        assert isinstance(parsed, IndexManifest)
        assert [child.digest for child in parsed.manifests] == [APP.digest]
        assert user_of(source) == [("linux/amd64", "1001")]


def test_what_is_listed(fake: FakeEngine) -> None:
    fake.listed = [
        {"Id": APP_ID, "RepoTags": ["app:1", "registry.example:5000/team/shop:2", "docker.io/library/redis:7"]},
        {"Id": APP_ID, "RepoTags": ["<none>:<none>"], "RepoDigests": ["quay.example/by-digest@sha256:" + "1" * 64]},
        {"Id": APP_ID, "RepoTags": None, "RepoDigests": None},
        {"Id": APP_ID, "RepoTags": ["UPPER:1", 7]},
    ]
    with fake.open() as source:
        found = {name: list(source.tags(name)) for name in source.repositories()}
    assert found == {
        "app": ["1"],
        "registry.example_5000/team/shop": ["2"],
        "redis": ["7"],
        "quay.example/by-digest": [f"sha256-{APP_ID[7:]}"],
    }


def test_a_port_in_a_name_comes_back(fake: FakeEngine) -> None:
    fake.has("registry.example:5000/team/shop:2", APP_ID, docker_archive({"x:1": APP}))
    with fake.open() as source:
        (name,) = source.repositories()
        assert source.resolve(name, TagName("2")).digest == APP_ID


def broken(fake: FakeEngine, **how: object) -> None:
    fake.has("team/shop:1", APP_ID, docker_archive({"team/shop:1": APP}))
    for name, value in how.items():
        setattr(fake, name, value)


@pytest.mark.parametrize(
    ("how", "limits", "code"),
    [
        ({"images": {}}, {}, "image-unknown"),
        ({"status": 500}, {}, "engine-error"),
        ({"cut": True}, {}, "engine-unreachable"),
        ({"delay": 3.0}, {"idle_seconds": 1}, "engine-too-slow"),
        ({"saved": {APP_ID: docker_archive({"other:1": ARM})}}, {}, "engine-error"),
        ({"saved": {APP_ID: b"nonsense" * 100}}, {}, "source-invalid"),
        ({"images": {"team/shop:1": {"Id": "sha256:short"}}}, {}, "engine-error"),
        ({}, {"archive_bytes": 1_000}, "limit-archive-bytes"),
        ({}, {"body_seconds": -1}, "engine-too-slow"),
    ],
)
def test_every_failure_has_a_name(fake: FakeEngine, how: Any, limits: Any, code: str) -> None:
    broken(fake, **how)
    with fake.open(replace(DEFAULT_LIMITS, **limits)) as source, pytest.raises(ScanProblem) as caught:
        source.document(SHOP, ONE)
    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)


def test_nobody_listens() -> None:
    with pytest.raises(ScanProblem) as caught:
        EngineSource(environment={"DOCKER_HOST": "unix:///no/such/socket"})
    assert caught.value.code == "engine-unreachable"
    assert "/no/such/socket" in caught.value.message


def test_the_oldest_archive_makes_room(fake: FakeEngine) -> None:
    other = sha256(ARM.config)
    archives = {APP_ID: docker_archive({"a:1": APP}), other: docker_archive({"b:1": ARM})}
    for digest, archive in archives.items():
        fake.has(f"{digest[7:12]}:1", digest, archive)
    with fake.open(replace(DEFAULT_LIMITS, archive_bytes=max(map(len, archives.values())))) as source:
        layers = [json.loads(source.document(SHOP, Digest(digest)).body)["layers"][0] for digest in archives]
        with source.blob(SHOP, layers[0]["digest"], layers[0]["size"]) as chunks:
            assert b"".join(chunks) == BASE.tar
        assert len(source._kept) == 1


def test_a_blob_of_no_image_that_was_read(fake: FakeEngine) -> None:
    with fake.open() as source, pytest.raises(ScanProblem) as caught, source.blob(SHOP, Digest(BASE.digest), 1):
        pass
    assert caught.value.code == "blob-unknown"
