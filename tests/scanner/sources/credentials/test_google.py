"""Google's registries, with an SDK of the shape that google-auth documents."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scanner.domain.problems import ScanProblem
from scanner.sources.credentials import google
from scanner.sources.credentials.exchange import Entered, Memory
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.credentials import Credential

HOST = "https://europe-docker.pkg.dev"
KEY = {
    "type": "service_account",
    "client_email": "scanner@project.example",
    "private_key": "-----BEGIN PRIVATE KEY-----",
    "private_key_id": "1",
    "token_uri": "http://169.254.169.254/token",
}


class Google:
    """Stands for google-auth and notes what it was asked."""

    def __init__(self) -> None:
        self.info: Any = None
        self.scopes: Any = None
        self.timeout: Any = None

    def of_key(self, info: Any, *, scopes: Any) -> Any:
        self.info, self.scopes = info, scopes
        found = SimpleNamespace(token=None, expiry=None)
        found.refresh = lambda request: self._refresh(found, request)
        return found

    def default(self, *, scopes: Any) -> Any:
        return self.of_key("ambient", scopes=scopes), "project"

    def _refresh(self, found: Any, request: Any) -> None:
        self.timeout = request.keywords["timeout"]
        found.token, found.expiry = "ya29.token", datetime(2026, 1, 1)  # in UTC and naive, as the SDK has it


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Google:
    fake = Google()
    modules: dict[str, dict[str, Any]] = {
        "google": {},
        "google.auth": {"default": fake.default},
        "google.auth.transport": {},
        "google.auth.transport.requests": {"Request": lambda: lambda **options: None},
        "google.oauth2": {},
        "google.oauth2.service_account": {"Credentials": SimpleNamespace(from_service_account_info=fake.of_key)},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return fake


def credential(url: str = HOST, entered: Entered = Entered("", json.dumps(KEY))) -> Credential:  # noqa: B008 # frozen
    return google.credential(parse_registry_url(url, plain_http=True), entered, Memory(lambda: 0.0))


@pytest.mark.parametrize("url", [HOST, "https://gcr.io", "https://eu.gcr.io", "https://us-west1-docker.pkg.dev"])
def test_exchanged(cloud: Google, url: str) -> None:
    assert credential(url) == Credential("oauth2accesstoken", "ya29.token")
    assert cloud.scopes == ("https://www.googleapis.com/auth/cloud-platform.read-only",)
    assert cloud.timeout == 15


def test_a_key_does_not_say_where_it_is_sent(cloud: Google) -> None:
    credential()
    assert cloud.info == {**KEY, "token_uri": "https://oauth2.googleapis.com/token"}


def test_the_workers_own_identity(cloud: Google) -> None:
    credential(entered=Entered(may_be_ambient=True))
    assert cloud.info == "ambient"


@pytest.mark.parametrize(
    ("url", "password", "code"),
    [
        ("https://pkg.dev.evil.example", json.dumps(KEY), "credential-wrong-host"),
        ("https://evilgcr.io", json.dumps(KEY), "credential-wrong-host"),
        ("http://gcr.io", json.dumps(KEY), "credential-wrong-host"),
        (HOST, "", "credential-forbidden"),
        (HOST, "nonsense", "credential-invalid"),
        (HOST, "[]", "credential-invalid"),
        (HOST, "[" * 10_000, "credential-invalid"),
        (HOST, " " * 20_000 + "{}", "credential-invalid"),
        (HOST, json.dumps({**KEY, "type": "external_account"}), "credential-invalid"),
        (HOST, json.dumps({**KEY, "private_key": 7}), "credential-invalid"),
    ],
)
def test_not_exchanged(cloud: Google, url: str, password: str, code: str) -> None:
    with pytest.raises(ScanProblem) as caught:
        credential(url, Entered("", password))
    assert (caught.value.code, cloud.info) == (code, None)


def test_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google", None)
    with pytest.raises(ScanProblem) as caught:
        credential()
    assert caught.value.code == "credential-sdk-missing"
    assert "requirements-google.txt" in caught.value.remedy
