"""Who is shown the credential: the registry that demands it, its token service, and nobody else."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import socket
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from unittest.mock import patch

import pytest

from scanner.domain.problems import Refused, SourceProblem, Unavailable
from scanner.domain.reference import parse_repository, parse_tag
from scanner.sources.registry.access import Access
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.auth import Authenticator
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.exchange import Call
from tests.support.demo_registry import DemoRegistry, Faults
from tests.support.demo_registry.tokens import Tokens
from tests.support.images import Stored
from tests.support.listener import Listener, listening
from tests.support.oci_layout import OciLayout
from tests.support.sources import CANARY, LOCAL, LOGIN, local_source, open_registry

REGISTRY_TOKEN = Credential("", f"{CANARY}-token", is_registry_token=True)
SHOP = parse_repository("team/shop")
ONE = parse_tag("1")


@pytest.fixture
def guarded(demo_registry: DemoRegistry, shop: Stored) -> DemoRegistry:
    """The demo registry with a password and ``team/shop:1``."""
    demo_registry.tokens.username, demo_registry.tokens.password = LOGIN.username, LOGIN.password
    return demo_registry


def everything(source: RegistrySource) -> None:
    """Ask all questions, whatever comes of it."""
    for question in (
        source.ping,
        lambda: list(source.repositories()),
        lambda: list(source.tags(SHOP)),
        lambda: source.resolve(SHOP, ONE),
        lambda: source.document(SHOP, ONE),
    ):
        with suppress(SourceProblem):
            question()


def test_post_is_tried_first_and_tokens_are_kept(guarded: DemoRegistry, shop: Stored) -> None:
    with local_source(guarded.url, LOGIN) as source:
        for _ in range(3):
            assert source.resolve(SHOP, ONE).digest == shop.digest
    assert [one.method for one in guarded.requests] == ["HEAD", "POST", "HEAD", "HEAD", "HEAD"]
    assert not guarded.requests[0].with_authorization


@pytest.mark.parametrize("status", [400, 401, 404, 405])
def test_services_without_post_are_asked_by_get_and_remembered(guarded: DemoRegistry, status: int) -> None:
    guarded.faults.token_post_status = status
    with local_source(guarded.url, LOGIN) as source:
        source.resolve(SHOP, ONE)
        list(source.repositories())
    assert [one.method for one in guarded.seen(containing="/token")] == ["POST", "GET", "GET"]


def test_an_identity_token_goes_to_the_token_service_only(guarded: DemoRegistry) -> None:
    with local_source(guarded.url, Credential("<token>", CANARY)) as source:
        assert source.resolve(SHOP, ONE)
    assert all("Basic" not in (one.authorization or "") for one in guarded.requests)


def test_basic(guarded: DemoRegistry, shop: Stored) -> None:
    guarded.auth = "basic"
    with local_source(guarded.url, LOGIN) as source:
        source.resolve(SHOP, ONE)
        source.resolve(SHOP, ONE)
    assert [one.with_authorization for one in guarded.requests] == [False, True, True]


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("credential", [None, Credential("scanner", "wrong"), Credential("<token>", "wrong")])
def test_a_wrong_credential_is_named(guarded: DemoRegistry, auth: str, credential: Credential | None) -> None:
    guarded.auth = auth
    with local_source(guarded.url, credential) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code == "auth-failed"
    assert len(guarded.requests) <= 3


@pytest.mark.parametrize("flapping", [False, True])
def test_401_for_ever_ends(guarded: DemoRegistry, flapping: bool) -> None:
    guarded.faults.unauthorized_forever, guarded.faults.new_scope_each_time = True, flapping
    with local_source(guarded.url, LOGIN) as source, pytest.raises(Refused) as caught:
        source.resolve(SHOP, ONE)
    assert caught.value.code == "auth-loop"
    assert len(guarded.requests) <= 8


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("padding", [0, 260])
def test_what_a_registry_repeats_of_a_secret_is_not_shown(guarded: DemoRegistry, auth: str, padding: int) -> None:
    guarded.auth = auth
    with local_source(guarded.url, LOGIN) as source:
        source.ping()
        secret = guarded.requests[-1].authorization
        assert secret is not None
        kind, _, value = secret.partition(" ")
        echo = json.dumps(
            {"errors": [{"code": "DENIED", "message": f"{kind} {value} and " + "x" * padding + f"{CANARY}"}]}
        ).encode()
        guarded.faults.raw_answer = b"HTTP/1.1 403 N\r\nContent-Length: %d\r\n\r\n%s" % (len(echo), echo)
        with pytest.raises(Refused) as caught:
            source.ping()
    assert "DENIED" in caught.value.message
    for shown in (str(caught.value), caught.value.message, repr(caught.value)):
        assert CANARY[:8] not in shown
        assert value not in shown


def test_insufficient_scope_is_denied(guarded: DemoRegistry) -> None:
    challenge = f'Bearer realm="{guarded.url}/token",error="insufficient_scope"'
    guarded.faults.headers = {"WWW-Authenticate": challenge}
    guarded.faults.unauthorized_forever = True
    with local_source(guarded.url, LOGIN) as source, pytest.raises(Refused) as caught:
        source.resolve(SHOP, ONE)
    assert caught.value.code == "denied"


def test_a_token_the_registry_forgot_is_replaced(guarded: DemoRegistry, shop: Stored) -> None:
    with local_source(guarded.url, LOGIN) as source:
        source.resolve(SHOP, ONE)
        guarded.tokens._granted.clear()
        assert source.resolve(SHOP, ONE).digest == shop.digest


@pytest.mark.parametrize("lifetime", [0, -1, 10**18, None, "x"])
def test_odd_lifetimes_do_not_cost_a_token_per_request(guarded: DemoRegistry, lifetime: object) -> None:
    guarded.faults.expires_in = lifetime
    with local_source(guarded.url, LOGIN) as source:
        for _ in range(5):
            source.resolve(SHOP, ONE)
    assert len(guarded.seen(containing="/token")) == 1


def test_an_expired_token_is_replaced_before_it_is_refused(
    guarded: DemoRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("scanner.sources.registry.tokens.time.monotonic", lambda: now[0])
    with local_source(guarded.url, LOGIN) as source:
        source.resolve(SHOP, ONE)
        now[0] += 271
        source.resolve(SHOP, ONE)
    assert [one.method for one in guarded.requests] == ["HEAD", "POST", "HEAD", "POST", "HEAD"]


@pytest.mark.parametrize("body", [b"x" * 70_000, b"[]", b"{}", b'{"token": ""}', b'{"token": 1}', b"[" * 60_000])
def test_answers_that_hold_no_token(guarded: DemoRegistry, body: bytes) -> None:
    guarded.faults.token_body = body
    with local_source(guarded.url, LOGIN) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code in ("token-invalid", "protocol-error", "too-large")


@pytest.mark.parametrize(("status", "code"), [(429, "rate-limited"), (503, "server-error")])
def test_a_token_service_may_be_tired(guarded: DemoRegistry, status: int, code: str) -> None:
    guarded.faults.token_status = status
    with local_source(guarded.url, LOGIN) as source, pytest.raises(Unavailable) as caught:
        source.ping()
    assert caught.value.code == code
    assert len(guarded.requests) <= 8


FOREIGN_REALMS = [
    "http://127.0.0.2:{port}/token",
    "http://localhost:{port}/token",
    "http://[::1]:{port}/token",
    "http://127.0.0.1@127.0.0.2:{port}/token",
    "http://127.0.0.1%40127.0.0.2:{port}/token",
    "http://127.0.0.2:{port}\\@127.0.0.1/token",
    "http://127.0.0.1.:{port}/token",
    "http://127.0.0.1.nip.example:{port}/token",
    "http://2130706433:{port}/token",
    "http://0x7f000001:{port}/token",
    "http://0177.0.0.1:{port}/token",
    "http://127.1:{port}/token",
    "http://0:{port}/token",
    "http://0.0.0.0:{port}/token",
    "http://[::ffff:127.0.0.1]:{port}/token",
    "http://[::ffff:169.254.169.254]/token",
    "http://169.254.169.254/token",
    "http://10.0.0.1/token",
    "http://metadata.google.internal/token",
    "https://evil.example/token",
    "//127.0.0.2:{port}/token",
    "/token",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/token",
    "ftp://127.0.0.1:{port}/token",
    "http://löcalhost:{port}/token",
    "http:127.0.0.2:{port}/token",
    "http:///token",
    "http://user:pw@127.0.0.1:{port}/token",
    "http://127.0.0.1:{port}#@127.0.0.2/token",
    "http://127.0.0.1:{port}%00.127.0.0.2/token",
    "http://127.0.0.%32:{port}/token",
    "http://xn--lcalhost-54a:{port}/token",
    "http://[::1%25lo]:{port}/token",
    "http://[::127.0.0.1]:{port}/token",
    "http://[64:ff9b::7f00:1]:{port}/token",
    "HTTP://127.0.0.2:{port}/token",
    "http://127.0.0.1:0/token",
    "http://127.0.0.1:65536/token",
    "http://127.0.0.1:{port}:80/token",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "",
    " ",
]


@pytest.mark.parametrize("realm", FOREIGN_REALMS)
def test_no_credential_leaves_for_a_foreign_realm(guarded: DemoRegistry, realm: str) -> None:
    with listening(host="0.0.0.0") as listener:
        guarded.faults.realm = realm.format(port=listener.port)
        with local_source(guarded.url, LOGIN) as source, pytest.raises(Refused) as caught:
            source.ping()
        assert caught.value.code == "token-realm-forbidden"
        assert listener.connections == 0
        everything_of(guarded, listener)


def everything_of(registry: DemoRegistry, listener: Listener) -> None:
    with local_source(registry.url, LOGIN) as source:
        everything(source)
    assert listener.connections == 0


def test_a_listed_token_host_is_believed(guarded: DemoRegistry, shop: Stored) -> None:
    guarded.faults.realm = f"http://localhost:{guarded.port}/token"
    listed = replace(LOCAL, credential=LOGIN, token_hosts=("LOCALHOST",))
    with open_registry(guarded.url, listed) as source:
        assert source.resolve(SHOP, ONE).digest == shop.digest


@pytest.mark.parametrize(
    ("url", "realm", "believed"),
    [
        ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("https://registry.example:5050", "https://registry.example/jwt/auth", True),
        ("https://registry.example", "http://registry.example/token", False),
        ("https://registry.example", "https://auth.docker.io/token", False),
        ("https://registry-1.docker.io", "https://auth.docker.io.evil.example/token", False),
        ("https://registry.example", "https://auth.registry.example/token", False),
    ],
)
def test_which_realms_are_believed(url: str, realm: str, believed: bool) -> None:
    with RegistrySource(parse_registry_url(url)) as source:
        authenticator = Authenticator(source.url, LOGIN, (), source.asker.courier)
        challenge = [f'Bearer realm="{realm}"']
        with nullcontext() if believed else pytest.raises(Refused, match="token service"):
            authenticator.challenged(challenge, "", None)


def redirect(url: str) -> bytes:
    return f"HTTP/1.1 307 T\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


Spoil = Callable[[Faults, str], None]

LEAKS: dict[str, Spoil] = {
    "documents redirected": lambda faults, url: setattr(faults, "redirect_documents_to", url),
    "blobs redirected": lambda faults, url: setattr(faults, "redirect_blobs_to", url),
    "token redirected": lambda faults, url: setattr(faults, "token_redirect", f"{url}/token"),
    "next page elsewhere": lambda faults, url: setattr(faults, "link", f"{url}/v2/_catalog"),
    "all redirected": lambda faults, url: setattr(faults, "raw_answer", redirect(url)),
}


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("get_only", [False, True])
@pytest.mark.parametrize("demands", [False, True])
@pytest.mark.parametrize("leak", LEAKS)
def test_a_second_host_never_hears_a_secret(
    guarded: DemoRegistry, auth: str, get_only: bool, demands: bool, leak: str
) -> None:
    demand = b"HTTP/1.1 401 U\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    guarded.auth = auth
    guarded.faults.token_post_status = 405 if get_only else None
    guarded.faults.set_cookie = f"session={CANARY}"
    with listening(demand) if demands else listening() as other:
        LEAKS[leak](guarded.faults, other.url())
        with local_source(guarded.url, LOGIN) as source:
            everything(source)
        secrets = (CANARY, base64.b64encode(f"{LOGIN.username}:{CANARY}".encode()).decode(), "Authorization", "Cookie")
        for secret in secrets:
            assert secret.lower() not in other.heard.decode("latin-1").lower()


@pytest.mark.parametrize("leak", LEAKS)
def test_a_second_host_never_hears_a_registry_token(guarded: DemoRegistry, leak: str) -> None:
    guarded.auth = "none"
    with listening() as other:
        LEAKS[leak](guarded.faults, other.url())
        with local_source(guarded.url, REGISTRY_TOKEN) as source:
            everything(source)
        assert all(one.authorization == REGISTRY_TOKEN.bearer() for one in guarded.requests)
        assert "authorization" not in other.heard.decode("latin-1").lower()


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "127.0.0.1"])
def test_a_listed_token_host_is_judged_by_its_address_too(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with listening(b"HTTP/1.1 401 U\r\nContent-Length: 0\r\n\r\n") as service:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, service.port))]
        monkeypatch.setattr("scanner.sources.registry.network.socket.getaddrinfo", lambda *_, **__: found)
        access = Access(credential=LOGIN, token_hosts=("auth.example",), sleep=lambda _: None)
        with RegistrySource(parse_registry_url("https://registry.example"), access) as source:
            auth = source.asker.auth
            auth.challenged([f'Bearer realm="https://auth.example:{service.port}/token"'], "", None)
            with pytest.raises(Refused) as caught:
                auth.authorization("", Call())
    assert (caught.value.code, service.connections) == ("forbidden-address", 0)


@pytest.mark.parametrize("issued", ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "yesterday", 5])
def test_when_a_token_says_it_was_issued_does_not_count(guarded: DemoRegistry, shop: Stored, issued: object) -> None:
    guarded.faults.token_body = json.dumps({"token": "t", "expires_in": 300, "issued_at": issued}).encode()
    with (
        patch.object(Tokens, "allows", lambda tokens, given, scope: given == "Bearer t"),
        local_source(guarded.url, LOGIN) as source,
    ):
        for _ in range(3):
            assert source.resolve(SHOP, ONE).digest == shop.digest
    assert len(guarded.seen(containing="/token")) == 1


def test_a_redirect_back_does_not_bring_the_credential_back(guarded: DemoRegistry) -> None:
    with listening(redirect(f"{guarded.url}/v2/team/shop/manifests/1")) as other:
        guarded.faults.redirect_documents_to = other.url()
        with local_source(guarded.url, LOGIN) as source, pytest.raises(SourceProblem):
            source.document(SHOP, ONE)
    back = [one for one in guarded.seen("GET", "/manifests/") if one.with_authorization]
    assert len(back) == 1


@pytest.mark.parametrize("show", [repr, str, lambda one: json.dumps(one, default=repr), lambda one: f"{one!r}"])
def test_a_credential_does_not_show_itself(show: Callable[[Credential], str]) -> None:
    assert CANARY not in show(LOGIN)


def test_a_credential_is_not_sent_anywhere() -> None:
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(LOGIN)


def test_a_registry_token_is_sent_as_it_is(demo_registry: DemoRegistry, shop: Stored) -> None:
    token = demo_registry.tokens.issue(["repository:team/shop:pull"])
    with local_source(demo_registry.url, Credential("", token, is_registry_token=True)) as source:
        assert source.resolve(SHOP, parse_tag("1")).digest == shop.digest
    assert [one.authorization for one in demo_registry.requests] == [f"Bearer {token}"]


def test_a_registry_token_is_not_sent_elsewhere(
    demo_registry: DemoRegistry, demo_layout: OciLayout, shop: Stored
) -> None:
    demo_registry.auth = "none"
    with DemoRegistry(demo_layout.folder, auth="none").running() as other:
        demo_registry.faults.redirect_documents_to = other.url
        with local_source(demo_registry.url, REGISTRY_TOKEN) as source:
            source.document(SHOP, parse_tag("1"))
        assert [one.authorization for one in demo_registry.requests] == [f"Bearer {CANARY}-token"]
        assert [one.authorization for one in other.requests] == [None]


def test_a_refused_registry_token_is_not_taken_to_the_token_service(demo_registry: DemoRegistry) -> None:
    with local_source(demo_registry.url, REGISTRY_TOKEN) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert (caught.value.code, CANARY in caught.value.message) == ("auth-failed", False)
    assert [one.path for one in demo_registry.requests] == ["/v2/"]


@pytest.mark.parametrize("text", ["", "a b", "a\r\nX-Smuggled: 1", "päss"])
def test_a_registry_token_that_is_none_is_not_sent(demo_registry: DemoRegistry, text: str) -> None:
    token = Credential("", text, is_registry_token=True)
    with local_source(demo_registry.url, token) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert (caught.value.code, demo_registry.requests) == ("auth-failed", [])
