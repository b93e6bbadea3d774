"""What ``docker login`` wrote."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from docker.credentials.errors import StoreError

from scanner.domain.problems import Refused
from scanner.sources.credentials.docker_config import docker_login, login_in
from scanner.sources.credentials.helper import Helper as CredentialHelper
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.credentials import Credential


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


SECRET = "canary-5d1f-secret"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"cat >/dev/null; echo '{SECRET}'; exit 7", "ended with status 7"),
        (f"echo '{SECRET}' >&2; sleep 60", "did not answer within"),
        ("cat >/dev/null; sleep 60 & disown; exec sleep 60", "did not answer within"),
        (f"yes '{SECRET}'", "prints more than"),
        ("kill -9 $$", "ended with status -9"),
    ],
)
def test_a_helper_is_bounded_and_its_output_never_told(
    config: Path, helper: Helper, script: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(script)
    monkeypatch.setattr("scanner.sources.credentials.helper.SECONDS", 0.5)
    with pytest.raises(Refused) as caught:
        docker_login(parse_registry_url("https://registry.example"))
    assert caught.value.code == "credential-store"
    assert said in caught.value.message
    assert SECRET not in caught.value.message + caught.value.remedy + repr(caught.value.__cause__)


@pytest.mark.parametrize("name", ["../../bin/sh", "a b", "TESTS", "a;b", "", "x" * 65, "tests\n"])
def test_what_is_no_name_of_a_helper(config: Path, name: str) -> None:
    with pytest.raises(StoreError):
        CredentialHelper(name)


def test_a_helper_sees_none_of_our_own_secrets(config: Path, helper: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SECRET_KEY", "PLIMSOLL_CREDENTIAL_KEYS", "DATABASE_URL"):
        monkeypatch.setenv(variable, SECRET)
    helper(f'cat >/dev/null; env | grep -q {SECRET} && exit 1; echo \'{{"Username": "u", "Secret": "p"}}\'')
    assert docker_login(parse_registry_url("https://registry.example")) == Credential("u", "p")


def test_what_a_helper_does_not_know_may_stand_in_the_file(config: Path, helper: Helper) -> None:
    helper("cat >/dev/null; echo 'credentials not found in native keychain'; exit 1")
    document = json.loads(config.read_text())
    config.write_text(json.dumps({**document, "auths": {"registry.example": entry("plain")}}))
    assert docker_login(parse_registry_url("https://registry.example")) == Credential("plain", "pass:word")


def test_the_workers_own_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example": entry("plain")}}))
    assert login_in(tmp_path, parse_registry_url("https://registry.example")) == Credential("plain", "pass:word")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "credential-missing"),
        ("{}", "credential-missing"),
        ("[" * 99_999, "credential-store"),
        (" " * (1 << 21), "credential-store"),
    ],
)
def test_the_workers_own_configuration_has_nothing(tmp_path: Path, content: str | None, code: str) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(Refused) as caught:
        login_in(tmp_path, parse_registry_url("https://registry.example"))
    assert caught.value.code == code
