"""Azure Container Registry, with an SDK of the shape that azure-identity documents and a registry that answers."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import ScanProblem
from scanner.sources.credentials import azure
from scanner.sources.credentials.exchange import Entered, Memory
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.credentials import Credential
from tests.support.sources import LOCAL

HOST = "https://shop12.azurecr.io"
CLIENT = Entered("11111111-2222/33333333-4444", "client-secret")


class Azure:
    """Stands for azure-identity and notes what it was asked."""

    def __init__(self) -> None:
        self.made: Any = None
        self.scope = ""

    def identity(self, *arguments: str, **options: Any) -> Any:
        self.made = (*arguments, options["authority"])
        return SimpleNamespace(get_token=self._token)

    def _token(self, scope: str) -> Any:
        self.scope = scope
        return SimpleNamespace(token="entra-token", expires_on=1_800_000_000)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Azure:
    fake = Azure()
    identity = ModuleType("azure.identity")
    vars(identity).update(ClientSecretCredential=fake.identity, DefaultAzureCredential=fake.identity)
    monkeypatch.setitem(sys.modules, "azure", ModuleType("azure"))
    monkeypatch.setitem(sys.modules, "azure.identity", identity)
    monkeypatch.setattr(azure, "exchanged", lambda registry, token, access, limits: f"{token} for {registry}")
    return fake


def credential(url: str = HOST, entered: Entered = CLIENT) -> Credential:
    return azure.credential(parse_registry_url(url, plain_http=True), entered, LOCAL, memory=Memory(lambda: 0.0))


@pytest.mark.parametrize(
    ("url", "authority", "scope"),
    [
        (HOST, "login.microsoftonline.com", "https://containerregistry.azure.net/.default"),
        ("https://shop12.azurecr.cn", "login.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
        ("https://shop12.azurecr.us", "login.microsoftonline.us", "https://management.usgovcloudapi.net/.default"),
    ],
)
def test_exchanged(cloud: Azure, url: str, authority: str, scope: str) -> None:
    assert credential(url) == Credential("<token>", f"entra-token for {url}")
    assert cloud.made == ("11111111-2222", "33333333-4444", "client-secret", authority)
    assert cloud.scope == scope


def test_the_workers_own_identity(cloud: Azure) -> None:
    assert credential(entered=Entered(may_be_ambient=True)).is_identity_token
    assert cloud.made == ("login.microsoftonline.com",)


@pytest.mark.parametrize(
    ("url", "entered", "code"),
    [
        ("https://evil.example", CLIENT, "credential-wrong-host"),
        ("https://shop12.azurecr.io.evil.example", CLIENT, "credential-wrong-host"),
        ("http://shop12.azurecr.io", CLIENT, "credential-wrong-host"),
        (HOST, Entered(), "credential-forbidden"),
        (HOST, Entered("client-without-tenant", "x"), "credential-invalid"),
        (HOST, Entered("a/b", ""), "credential-invalid"),
        (HOST, Entered("", "x"), "credential-invalid"),
    ],
)
def test_not_exchanged(cloud: Azure, url: str, entered: Entered, code: str) -> None:
    with pytest.raises(ScanProblem) as caught:
        credential(url, entered)
    assert (caught.value.code, cloud.made) == (code, None)


def test_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure", None)
    with pytest.raises(ScanProblem) as caught:
        credential()
    assert caught.value.code == "credential-sdk-missing"
    assert "requirements-azure.txt" in caught.value.remedy


class Registry:
    """Answers ``POST /oauth2/exchange`` as it is told to."""

    def __init__(self, status: int, body: bytes, location: str = "") -> None:
        self.status, self.body, self.location = status, body, location
        self.asked: dict[str, list[str]] = {}


@pytest.fixture
def serve() -> Iterator[Any]:
    running = []

    def start(registry: Registry) -> Any:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                registry.asked = {"path": [self.path], **parse_qs(self.rfile.read(length).decode())}
                self.send_response(registry.status)
                self.send_header("Content-Length", str(len(registry.body)))
                if registry.location:
                    self.send_header("Location", registry.location)
                self.end_headers()
                self.wfile.write(registry.body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return parse_registry_url(f"http://127.0.0.1:{server.server_port}", plain_http=True)

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_registry_is_asked_for_a_refresh_token(serve: Any) -> None:
    registry = Registry(200, json.dumps({"refresh_token": "r.e.f"}).encode())
    url = serve(registry)
    assert azure.exchanged(url, "entra", LOCAL, DEFAULT_LIMITS) == "r.e.f"
    assert registry.asked == {
        "path": ["/oauth2/exchange"],
        "grant_type": ["access_token"],
        "service": ["127.0.0.1"],
        "access_token": ["entra"],
    }


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b"{}", "auth-failed"),
        (404, b"", "not-found"),
        (200, b"[]", "protocol-error"),
        (200, b"{}", "credential-exchange"),
        (200, b'{"refresh_token": "a\\nb"}', "credential-exchange"),
        (200, b'{"refresh_token": "' + b"a" * 100_000 + b'"}', "too-large"),
    ],
)
def test_an_exchange_that_fails_has_a_name(serve: Any, status: int, body: bytes, code: str) -> None:
    with pytest.raises(ScanProblem) as caught:
        azure.exchanged(serve(Registry(status, body)), "entra-secret", LOCAL, DEFAULT_LIMITS)
    assert caught.value.code == code
    assert "entra-secret" not in caught.value.message


def test_a_redirect_elsewhere_is_not_followed(serve: Any) -> None:
    other = Registry(200, b'{"refresh_token": "stolen"}')
    elsewhere = serve(other)
    with pytest.raises(ScanProblem):
        azure.exchanged(serve(Registry(307, b"", f"{elsewhere}/x")), "entra", LOCAL, DEFAULT_LIMITS)
    assert other.asked == {}
