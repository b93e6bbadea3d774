"""The same questions, answered by Debian's docker-registry."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from scanner.domain.problems import Refused
from scanner.domain.reference import Digest, parse_repository, parse_tag
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.diagnosis import StepState, diagnose
from tests.support.images import OCI_INDEX, OCI_MANIFEST, compact_json, image, index
from tests.support.real_registry import PASSWORD, USERNAME, RealRegistry
from tests.support.sources import LOCAL, local_source

pytestmark = pytest.mark.realregistry
ONE = parse_tag("1")
LOGIN = Credential(USERNAME, PASSWORD)


def test_an_image_comes_back_as_it_was_pushed(real_registry: RealRegistry) -> None:
    stored, repository = image(user="app"), parse_repository("own/image")
    real_registry.push(repository, "1", stored)
    with local_source(real_registry.url) as source:
        assert repository in list(source.repositories())
        assert list(source.tags(repository)) == ["1"]
        resolved = source.resolve(repository, ONE)
        document = source.document(repository, resolved.digest)
        config = json.loads(document.body)["config"]
        with source.blob(repository, config["digest"], config["size"]) as chunks:
            assert json.loads(b"".join(chunks))["config"]["User"] == "app"
    assert (resolved.digest, resolved.size, resolved.media_type) == (stored.digest, len(stored.body), OCI_MANIFEST)
    assert document.body == stored.body


def test_an_index_and_its_images(real_registry: RealRegistry) -> None:
    repository = parse_repository("own/index")
    both = index([image(platform="linux/amd64"), image(platform="linux/arm64", user="app")])
    real_registry.push(repository, "1", both)
    with local_source(real_registry.url) as source:
        document = source.document(repository, ONE)
        children = [Digest(child["digest"]) for child in json.loads(document.body)["manifests"]]
        assert (document.digest, document.media_type) == (both.digest, OCI_INDEX)
        assert [source.document(repository, child).digest for child in children] == children


def test_a_tag_costs_one_head_and_nothing_else(real_registry: RealRegistry) -> None:
    repository = parse_repository("own/heads")
    real_registry.push(repository, "1", image())
    with local_source(real_registry.url) as source:
        for number in range(1, 6):
            source.resolve(repository, ONE)
            assert source.traffic.requests == number
        assert source.traffic.bytes == 0


def test_more_than_a_hundred_repositories_and_tags(real_registry_with_password: RealRegistry) -> None:
    registry, stored = real_registry_with_password, image(layers=())
    config = json.loads(stored.body)["config"]["digest"]
    for number in range(105):
        registry.push_blob(f"many/r{number:03}", stored.blobs[config])
        registry.push_manifest(f"many/r{number:03}", "v0", stored.body, stored.media_type)
        registry.push_manifest("many/r000", f"v{number}", stored.body, stored.media_type)
    with local_source(registry.url, LOGIN) as source:
        found = [name for name in source.repositories() if name.startswith("many/")]
        assert found == [f"many/r{number:03}" for number in range(105)]
        assert len(list(source.tags(parse_repository("many/r000")))) == 105
    assert len(small_pages(registry, "/v2/_catalog?n=50")) >= 3


def small_pages(registry: RealRegistry, path: str) -> list[str]:
    """Read the catalog by small pages, through the client's own paging."""
    with local_source(registry.url, LOGIN) as source:
        page = source.page(source.asker.target(path), "registry:catalog:*", "repositories")
        paths = [path]
        while page.following:
            paths.append(page.following.path)
            page = source.page(page.following, "registry:catalog:*", "repositories")
        return paths


@pytest.mark.parametrize("credential", [None, Credential(USERNAME, "wrong")])
def test_a_wrong_password(real_registry_with_password: RealRegistry, credential: Credential | None) -> None:
    with local_source(real_registry_with_password.url, credential) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code == "auth-failed"


def test_what_is_not_there(real_registry: RealRegistry) -> None:
    repository = parse_repository("own/gone")
    digest = real_registry.push(repository, "1", image(user="gone"))
    with local_source(real_registry.url) as source:
        source.resolve(repository, ONE)
        real_registry.delete_manifest(repository, digest)
        for code, question in (
            ("manifest-unknown", lambda: source.resolve(repository, ONE)),
            ("manifest-unknown", lambda: source.document(repository, Digest(digest))),
            ("repository-unknown", lambda: list(source.tags(parse_repository("own/never")))),
        ):
            with pytest.raises(Refused) as caught:
                question()
            assert caught.value.code == code
        with source.blob(repository, Digest("sha256:" + "0" * 64), 1) as chunks, pytest.raises(Refused) as caught:
            list(chunks)
        assert caught.value.code == "blob-unknown"


def test_what_skopeo_pushes_is_read(real_registry: RealRegistry, tmp_path: Path) -> None:
    layout = f"oci:{tmp_path / 'layout'}:1"
    subprocess.run(["umoci", "init", "--layout", str(tmp_path / "layout")], check=True)
    subprocess.run(["umoci", "new", "--image", f"{tmp_path / 'layout'}:1"], check=True)
    subprocess.run(["umoci", "config", "--config.user", "1001:0", "--image", f"{tmp_path / 'layout'}:1"], check=True)
    real_registry.skopeo_copy(layout, "skopeo/image", "1")
    repository = parse_repository("skopeo/image")
    with local_source(real_registry.url) as source:
        config = json.loads(source.document(repository, ONE).body)["config"]
        with source.blob(repository, config["digest"], config["size"]) as chunks:
            assert json.loads(b"".join(chunks))["config"]["User"] == "1001:0"


def test_a_manifest_with_spaces_keeps_its_digest(real_registry: RealRegistry) -> None:
    stored, repository = image(), parse_repository("own/spaces")
    real_registry.push(repository, "tight", stored)
    spacious = json.dumps(json.loads(stored.body), indent=3).encode()
    digest = real_registry.push_manifest(repository, "1", spacious, stored.media_type)
    assert spacious != compact_json(json.loads(stored.body))
    with local_source(real_registry.url) as source:
        assert source.document(repository, ONE).digest == digest


@pytest.mark.parametrize("path", ["", "_with_password"])
def test_the_ladder_holds(request: pytest.FixtureRequest, path: str) -> None:
    registry: RealRegistry = request.getfixturevalue(f"real_registry{path}")
    registry.push("ladder/image", "1", image())
    access = LOCAL if not path else type(LOCAL)(LOGIN, LOCAL.network)
    steps = list(diagnose(registry.url, access))
    assert [step.name for step in steps if step.state is StepState.FAILED] == []
    assert {step.name: step.state for step in steps}["manifest"] is StepState.OK
