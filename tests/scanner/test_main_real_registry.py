"""``inspect`` on images that skopeo pushed to Debian's docker-registry, and with what ``docker login`` left."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from scanner.__main__ import main
from tests.support.demo.articles import article_images
from tests.support.images import File, Stored, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.real_registry import PASSWORD, USERNAME, RealRegistry

pytestmark = pytest.mark.realregistry

FINE = image([layer({"etc/passwd": File(b"root:x:0:0::/:/bin/sh\n")})], user="10001:10001")
BEFORE, AFTER = "app:x:1001:1001::/app:/bin/bash", "app:x:0:0::/app:/bin/bash"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration, empty until a test writes it; this machine's own is not looked at."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


@pytest.fixture
def remapped() -> Stored:
    """The article's image: a later ``sed`` makes ``app`` uid 0."""
    return article_images()["articles/best-practices:remapped"]


@pytest.fixture
def remapped_at(remapped: Stored, real_registry: RealRegistry, tmp_path: Path) -> str:
    OciLayout(tmp_path / "layout").tag("remapped", "1", remapped)
    real_registry.skopeo_copy(f"oci:{tmp_path}/layout:remapped:1", "skopeo-cli/remapped", "1")
    return f"{real_registry.host}/skopeo-cli/remapped:1"


def inspect(reference: str, *options: str) -> int:
    return main(["inspect", reference, "--plain-http", *options])


def test_the_remapped_image_in_text(remapped_at: str, remapped: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(remapped_at) == 1
    out = capsys.readouterr().out
    assert "FAIL" in out
    assert "runs as root, uid 0 gid 0, from USER app" in out
    for text in (f"- {BEFORE}", f"+ {AFTER}"):
        assert text in out
    for position in (2, 3):
        assert f"layer {position + 1} {remapped.layers[position].digest}" in out


def test_the_remapped_image_in_json(remapped_at: str, remapped: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(remapped_at, "--format", "json") == 1
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["digest"], report["error"]) == ("fail", remapped.digest, None)
    (found,) = report["images"]
    assert (found["verdict"], found["user"], found["identities"]["docker"]["uid"]) == ("fail", "app", 0)
    violated = {result["rule"]: result for result in found["results"] if result["outcome"] == "violated"}
    told = json.dumps(violated["NR202"])
    for text in (BEFORE, AFTER, remapped.layers[2].digest, remapped.layers[3].digest):
        assert text in told


def login_at(host: str) -> str:
    auth = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": auth}}})


@pytest.fixture
def guarded(real_registry_with_password: RealRegistry) -> str:
    real_registry_with_password.push("cli-login/fine", "1", FINE)
    return f"{real_registry_with_password.host}/cli-login/fine:1"


def test_what_docker_login_stored_opens_the_registry(guarded: str, config: Path) -> None:
    assert inspect(guarded) == 3
    config.write_text(login_at(guarded.partition("/")[0]))
    assert inspect(guarded) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:{port}"])
def test_a_login_elsewhere_is_not_used_here(guarded: str, config: Path, host: str) -> None:
    port = guarded.partition("/")[0].rpartition(":")[2]
    config.write_text(login_at(host.format(port=port)))
    assert inspect(guarded) == 3


def test_a_login_that_was_given_comes_first(guarded: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('{"credsStore": "no-such-helper"}')
    monkeypatch.setenv("CLI_PASSWORD", PASSWORD)
    assert inspect(guarded, "--username", USERNAME, "--password-env", "CLI_PASSWORD") == 0


def test_a_helper_that_fails_is_a_sentence(guarded: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('{"credsStore": "no-such-helper"}')
    assert inspect(guarded, "--format", "json") == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "credential-store"
    assert "docker-credential-no-such-helper" in error["message"]
