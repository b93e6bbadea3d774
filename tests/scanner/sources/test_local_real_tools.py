"""Images as real tools write them: a Docker engine, docker save, skopeo, umoci; judged as from the real registry."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.__main__ import main
from scanner.domain.reference import RepositoryName, TagName
from scanner.sources.docker_engine import EngineSource
from tests.support.demo.articles import article_images
from tests.support.engine import Engine
from tests.support.images import docker_archive
from tests.support.oci_layout import OciLayout
from tests.support.real_registry import RealRegistry

pytestmark = pytest.mark.realregistry

NAMES = (
    "articles/redis:root",
    "articles/redis:user-9000",
    "articles/best-practices:numeric",
    "articles/best-practices:remapped",
    "articles/node:fakeuser",
)


@pytest.fixture(autouse=True)
def no_docker_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own layout, from which the tools copy."""
    folder = tmp_path_factory.mktemp("layout")
    images = article_images()
    for name in NAMES:
        repository, _, tag = name.partition(":")
        OciLayout(folder).tag(repository, tag, images[name])
    return folder


def skopeo(source: str, destination: str) -> None:
    command = ["skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false", source, destination]
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def loaded(engine: Engine, layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The engine with all images, under their own names."""
    archive = tmp_path_factory.mktemp("loaded") / "images.tar"
    images = article_images()
    archive.write_bytes(docker_archive({name: images[name] for name in NAMES}))
    engine.docker("load", "--input", str(archive))
    return engine


@pytest.fixture
def here(loaded: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("DOCKER_HOST", loaded.url)
    return loaded


@pytest.fixture
def source(here: Engine) -> Iterator[EngineSource]:
    with EngineSource() as opened:
        yield opened


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(reference: str) -> Any:
        main(["inspect", reference, "--plain-http", "--format", "json"])
        return json.loads(capsys.readouterr().out)

    return run


def essence(report: Any) -> Any:
    """Verdict, identities and results, without the digests of the form an image is kept in."""
    image = report["images"][0]
    results = [(result["rule"], result["outcome"]) for result in image["results"]]
    return report["error"], report["verdict"], image["user"], image["identities"], image["platforms"], results


@pytest.fixture
def expected(inspect: Any, layout: Path, real_registry: RealRegistry) -> Any:
    """What the same image is judged from the real registry."""

    def of(name: str) -> Any:
        repository, _, tag = name.partition(":")
        real_registry.skopeo_copy(f"oci:{layout}:{name}", f"local/{repository}", tag)
        return essence(inspect(f"{real_registry.host}/local/{name}"))

    return of


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_and_the_registry_agree(inspect: Any, expected: Any, here: Engine, name: str) -> None:
    report = inspect(f"docker-daemon:{name}")
    assert essence(report) == expected(name)
    assert report["digest"] == here.docker("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


@pytest.mark.parametrize("name", NAMES)
def test_docker_save_and_the_registry_agree(
    inspect: Any, expected: Any, here: Engine, name: str, tmp_path: Path
) -> None:
    here.docker("save", "--output", str(tmp_path / "saved.tar"), *NAMES)
    assert essence(inspect(f"docker-archive:{tmp_path}/saved.tar:{name}")) == expected(name)


def test_an_archive_compressed_as_a_whole(inspect: Any, expected: Any, here: Engine, tmp_path: Path) -> None:
    here.docker("save", "--output", str(tmp_path / "saved.tar"), NAMES[0])
    plain = inspect(f"docker-archive:{tmp_path}/saved.tar")
    subprocess.run(["gzip", str(tmp_path / "saved.tar")], check=True)
    packed = inspect(f"docker-archive:{tmp_path}/saved.tar.gz")
    assert essence(plain) == essence(packed) == expected(NAMES[0])
    assert plain["digest"] == packed["digest"]


@pytest.mark.parametrize("form", ["oci:{}/copied:{}", "docker-archive:{}/copied:{}", "oci-archive:{}/copied:{}"])
def test_what_skopeo_wrote(inspect: Any, expected: Any, layout: Path, tmp_path: Path, form: str) -> None:
    skopeo(f"oci:{layout}:{NAMES[3]}", form.format(tmp_path, NAMES[3]))
    reference = form.replace("oci-archive", "docker-archive").format(tmp_path, NAMES[3])
    assert essence(inspect(reference)) == expected(NAMES[3])


def test_what_umoci_wrote(inspect: Any, expected: Any, layout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "umoci"
    skopeo(f"oci:{layout}:{NAMES[2]}", f"oci:{folder}:first")
    subprocess.run(["umoci", "tag", "--image", f"{folder}:first", "second"], check=True, capture_output=True)
    subprocess.run(
        ["umoci", "config", "--image", f"{folder}:second", "--config.user", "0"], check=True, capture_output=True
    )
    assert essence(inspect(f"oci:{folder}:first")) == expected(NAMES[2])
    assert inspect(f"oci:{folder}:second")["images"][0]["identities"]["docker"]["uid"] == 0
    assert inspect(f"oci:{folder}")["error"]["code"] == "image-not-named"


def test_what_the_engine_lists(source: EngineSource, here: Engine) -> None:
    here.docker("tag", NAMES[0], "registry.example:5000/team/shop:1")
    assert {"articles/redis", "articles/node", "registry.example_5000/team/shop"} <= set(source.repositories())
    shop = RepositoryName("registry.example_5000/team/shop")
    assert list(source.tags(shop)) == ["1"]
    redis = source.resolve(RepositoryName("articles/redis"), TagName("root"))
    assert source.resolve(shop, TagName("1")) == redis
    assert source.document(shop, TagName("1")).digest == redis.digest


def test_an_image_by_its_id(inspect: Any, here: Engine) -> None:
    image = here.docker("image", "inspect", "--format", "{{.Id}}", NAMES[0]).stdout.strip()
    assert inspect(f"docker-daemon:{image}")["digest"] == image


@pytest.mark.parametrize("name", ["no-such-image:1", "sha256:" + "0" * 64])
def test_an_image_the_engine_does_not_have(inspect: Any, here: Engine, name: str) -> None:
    assert inspect(f"docker-daemon:{name}")["error"]["code"] == "image-unknown"


def test_a_layer_is_read_again_after_the_image_was_forgotten(source: EngineSource) -> None:
    repository = RepositoryName("articles/redis")
    document = json.loads(source.document(repository, TagName("root")).body)
    layer = document["layers"][0]
    source._make_room(10**18)
    with source.blob(repository, layer["digest"], layer["size"]) as chunks:
        assert sum(len(chunk) for chunk in chunks) == layer["size"]
