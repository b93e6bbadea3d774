"""What ``docker login`` wrote."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.domain.problems import Refused
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.docker_login import docker_login


def entry(username: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:pass:word".encode()).decode()}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


Helper = Callable[[str], None]


@pytest.fixture
def helper(config: Path, monkeypatch: pytest.MonkeyPatch) -> Helper:
    """Make a shell script docker's credential helper for registry.example."""

    def make(script: str) -> None:
        program = config.parent / "docker-credential-tests"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{config.parent}:/usr/bin:/bin")
        config.write_text(json.dumps({"credHelpers": {"registry.example": "tests"}}))

    return make


@pytest.mark.parametrize(
    ("url", "username"),
    [
        ("https://registry.example", "plain"),
        ("https://registry.example:5000", "with-port"),
        ("https://old.example", "old-form"),
        ("https://registry-1.docker.io", "hub"),
        ("https://other.example", None),
        ("https://registry.example:8443", None),
        ("https://registry.example.evil", None),
    ],
)
def test_the_entry_of_this_host_and_no_other(config: Path, url: str, username: str | None) -> None:
    auths = {
        "registry.example": entry("plain"),
        "registry.example:5000": entry("with-port"),
        "https://old.example/v1/": entry("old-form"),
        "https://index.docker.io/v1/": entry("hub"),
    }
    config.write_text(json.dumps({"auths": auths}))
    found = docker_login(parse_registry_url(url))
    assert found == (Credential(username, "pass:word") if username else None)


def test_an_identity_token(config: Path) -> None:
    config.write_text(json.dumps({"auths": {"registry.example": {**entry("x"), "identitytoken": "secret"}}}))
    found = docker_login(parse_registry_url("https://registry.example"))
    assert found is not None
    assert (found.is_identity_token, found.password) == (True, "secret")


def test_no_configuration_at_all(config: Path) -> None:
    assert docker_login(parse_registry_url("https://registry.example")) is None


def test_a_helper_that_is_missing_is_said(config: Path) -> None:
    config.write_text(json.dumps({"credsStore": "no-such-helper"}))
    with pytest.raises(Refused) as caught:
        docker_login(parse_registry_url("https://registry.example"))
    assert caught.value.code == "credential-store"
    assert "docker-credential-no-such-helper" in caught.value.message
    assert "credential helper" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"auths": [1]}',
        '{"auths": {"registry.example": {"auth": 7}}}',
        '{"auths": {"registry.example": {"auth": "bm8tY29sb24="}}}',
        '{"auths": {"registry.example": {"auth": "\u00fc"}}}',
        '{"auths": {"registry.example": 7}}',
        '{"credsStore": 7}',
        '{"credHelpers": {"registry.example": "no-such-helper"}}',
    ],
)
def test_an_odd_configuration_is_said(config: Path, text: str) -> None:
    config.write_text(text)
    with pytest.raises(Refused) as caught:
        docker_login(parse_registry_url("https://registry.example"))
    assert caught.value.code == "credential-store"


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ('{"Username": "u", "Secret": "pass:word"}', Credential("u", "pass:word")),
        ('{"Username": "<token>", "Secret": "refresh"}', Credential("<token>", "refresh")),
        ('{"Username": "", "Secret": ""}', None),
        ('{"Username": 7, "Secret": 8}', None),
    ],
)
def test_a_helper_answers(config: Path, helper: Helper, printed: str, found: Credential | None) -> None:
    helper(f"cat >/dev/null; echo '{printed}'")
    assert docker_login(parse_registry_url("https://registry.example")) == found


@pytest.mark.parametrize("script", ["exit 1", "cat >/dev/null; echo nonsense", "cat >/dev/null; echo '[]'"])
def test_a_helper_that_fails_is_said(config: Path, helper: Helper, script: str) -> None:
    helper(script)
    with pytest.raises(Refused) as caught:
        docker_login(parse_registry_url("https://registry.example"))
    assert caught.value.code == "credential-store"


def test_a_helper_that_knows_nothing_of_this_host(config: Path, helper: Helper) -> None:
    helper("cat >/dev/null; echo 'credentials not found in native keychain'; exit 1")
    assert docker_login(parse_registry_url("https://registry.example")) is None
