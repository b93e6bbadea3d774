"""What people write for Docker Hub, and where and as what it is asked for."""

from __future__ import annotations

import pytest

from scanner.domain.docker_hub import as_asked, is_docker_hub, registry_address
from scanner.domain.reference import parse_reference

HEX = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("docker.io/nginx", "registry-1.docker.io/library/nginx:latest"),
        ("docker.io/library/nginx:1.27", "registry-1.docker.io/library/nginx:1.27"),
        ("index.docker.io/shop/web:1", "registry-1.docker.io/shop/web:1"),
        ("hub.docker.com/shop/web:1", "registry-1.docker.io/shop/web:1"),
        (f"Docker.io/nginx@{HEX}", f"registry-1.docker.io/library/nginx@{HEX}"),
        (f"registry-1.docker.io/nginx:1@{HEX}", f"registry-1.docker.io/library/nginx:1@{HEX}"),
        ("docker.io.evil.example/nginx:1", "docker.io.evil.example/nginx:1"),
        ("docker.io:5000/nginx:1", "docker.io:5000/nginx:1"),
        ("registry.example/nginx:1", "registry.example/nginx:1"),
    ],
)
def test_what_is_asked_for(written: str, asked: str) -> None:
    assert str(as_asked(parse_reference(written))) == asked


@pytest.mark.parametrize("host", ["docker.io", "hub.docker.com", "INDEX.docker.io", "registry.hub.docker.com"])
def test_its_hosts(host: str) -> None:
    assert is_docker_hub(host)
    assert registry_address(host) == "registry-1.docker.io"


@pytest.mark.parametrize("host", ["auth.docker.io", "docker.io:443", "example.docker.io", "ghcr.io"])
def test_other_hosts(host: str) -> None:
    assert registry_address(host) == host
