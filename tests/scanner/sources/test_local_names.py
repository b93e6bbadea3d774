"""What people write for images on this machine."""

from __future__ import annotations

import pytest

from scanner.domain.reference import InvalidReference
from scanner.sources.local_names import (
    as_image_name,
    as_repository,
    parse_image_name,
    parse_local_reference,
    repository_of_path,
)

ID = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "kind", "path", "name"),
    [
        ("oci:/srv/layout", "oci", "/srv/layout", ""),
        ("oci:layout:1.0", "oci", "layout", "1.0"),
        ("oci:layout:team/shop:1", "oci", "layout", "team/shop:1"),
        ("docker-archive:/tmp/x.tar", "docker-archive", "/tmp/x.tar", ""),
        ("docker-archive:x.tar:app:1", "docker-archive", "x.tar", "app:1"),
        ("docker-daemon:app", "docker-daemon", "app", ""),
    ],
)
def test_references(text: str, kind: str, path: str, name: str) -> None:
    found = parse_local_reference(text)
    assert found is not None
    assert (found.kind, *found.apart(), str(found)) == (kind, path, name, text)


@pytest.mark.parametrize("text", ["registry.example/app:1", "ocix:5000/app", "oci", "localhost:5000/app:1", ""])
def test_not_on_this_machine(text: str) -> None:
    assert parse_local_reference(text) is None


@pytest.mark.parametrize(
    "text",
    ["oci:", "oci::1", "docker-archive:", "docker-daemon:", "docker-daemon:A", "docker-daemon:a:b:c", "oci:a\0b"],
)
def test_no_reference(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_local_reference(text)


@pytest.mark.parametrize(
    ("text", "repository", "reference"),
    [
        ("app", "app", "latest"),
        ("app:1", "app", "1"),
        ("docker.io/library/redis:7", "redis", "7"),
        ("docker.io/team/shop:7", "team/shop", "7"),
        ("localhost:5000/app", "localhost_5000/app", "latest"),
        ("registry.example:5000/team/shop:1", "registry.example_5000/team/shop", "1"),
        (ID, "images", ID),
    ],
)
def test_image_names(text: str, repository: str, reference: str) -> None:
    found = parse_image_name(text)
    assert (found.repository, found.reference) == (repository, reference)


@pytest.mark.parametrize(
    "name", ["app", "team/shop", "registry.example:5000/team/shop", "localhost:1/a", "a_b/c", "a_1"]
)
def test_a_port_comes_back(name: str) -> None:
    assert as_image_name(as_repository(name)) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [("/srv/Shop", "shop"), ("/srv/a b.tar.gz", "a-b"), ("x.tgz/", "x"), ("/", "images"), ("/srv/ü", "images")],
)
def test_names_of_paths(path: str, name: str) -> None:
    assert repository_of_path(path) == name
