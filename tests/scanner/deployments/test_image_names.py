from __future__ import annotations

import pytest

from scanner.deployments.image_names import image_name

HEX = "a" * 64


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("shop/web", "docker.io/shop/web:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/shop/web:1", "docker.io/shop/web:1"),
        ("localhost/web", "localhost/web:latest"),
        ("localhost:5000/web:1", "localhost:5000/web:1"),
        ("registry.example/shop/web", "registry.example/shop/web:latest"),
        ("REGISTRY/web", "REGISTRY/web:latest"),
        (f"nginx@sha256:{HEX}", f"docker.io/library/nginx@sha256:{HEX}"),
        (f"registry.example/web:1@sha256:{HEX}", f"registry.example/web:1@sha256:{HEX}"),
        ("nginx:5000", "docker.io/library/nginx:5000"),
    ],
)
def test_a_name_means_what_an_engine_makes_of_it(written: str, reference: str) -> None:
    assert str(image_name(written, 1).reference) == reference


@pytest.mark.parametrize(
    "written", ["", "Nginx", HEX, "nginx:", "a b", "nginx@sha256:1", "x" * 2_000, "../x", "\u202e/x"]
)
def test_what_names_no_image_says_why(written: str) -> None:
    found = image_name(written, 7)
    assert found.reference is None
    assert found.unclear
    assert found.line == 7
    assert len(found.unclear) < 500


@pytest.mark.parametrize(
    ("written", "pinned", "latest"),
    [("nginx", False, True), ("nginx:1", False, False), (f"nginx@sha256:{HEX}", True, False)],
)
def test_tags_move_and_digests_do_not(written: str, *, pinned: bool, latest: bool) -> None:
    found = image_name(written, 1)
    assert (found.pinned, found.latest) == (pinned, latest)
