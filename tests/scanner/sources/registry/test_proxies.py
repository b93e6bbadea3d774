"""Registries behind a proxy: what it is sent, what it is not, and what is refused before it is asked."""

from __future__ import annotations

import pickle
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from scanner.domain.problems import Refused, SourceProblem, Unavailable
from scanner.domain.reference import parse_repository, parse_tag
from scanner.sources.registry.access import Access
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.diagnosis import Step, StepState, diagnose
from scanner.sources.registry.network import PRIVATE_TOO, PUBLIC_ONLY
from scanner.sources.registry.proxies import InvalidProxy, Proxy, TargetJudge, parse_proxy
from tests.support.demo_registry import DemoRegistry
from tests.support.http_proxy import HttpProxy, proxying
from tests.support.images import Stored
from tests.support.listener import listening
from tests.support.oci_layout import OciLayout
from tests.support.sources import CANARY, LOCAL, LOGIN, open_registry

SHOP, ONE = parse_repository("team/shop"), parse_tag("1")
PROXY_SECRET = "canary-proxy-41d7"
AUTHORITY = trustme.CA()
OURS = AUTHORITY.cert_pem.bytes().decode()


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    with proxying(f"user:{PROXY_SECRET}") as running:
        yield running


@pytest.fixture
def secure(demo_layout: OciLayout, shop: Stored) -> Iterator[DemoRegistry]:
    """The demo registry behind TLS, with a password."""
    registry = https_registry(demo_layout.folder)
    with registry.running():
        yield registry


def https_registry(folder: Path, name: str = "127.0.0.1") -> DemoRegistry:
    registry = DemoRegistry(folder, username=LOGIN.username, password=LOGIN.password)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    registry.speak_tls(context)
    return registry


def through(proxy: HttpProxy, **changes: object) -> Access:
    access = replace(LOCAL, credential=LOGIN, extra_ca=OURS, proxy=parse_proxy(proxy.url))
    return replace(access, **changes)  # type: ignore[arg-type]  # named by their fields


def code_of(url: str, access: Access) -> str:
    with open_registry(url, access) as source, pytest.raises(SourceProblem) as caught:
        source.ping()
    assert caught.value.remedy
    assert PROXY_SECRET not in caught.value.message
    return caught.value.code


def test_https_goes_through_a_tunnel_that_hears_no_secret(proxy: HttpProxy, secure: DemoRegistry, shop: Stored) -> None:
    with open_registry(secure.url, through(proxy)) as source:
        assert source.resolve(SHOP, ONE).digest == shop.digest
        assert list(source.repositories()) == [SHOP]
    assert {head.partition("\r\n")[0] for head in proxy.heads} == {f"CONNECT {secure.host} HTTP/1.1"}
    assert CANARY not in "".join(proxy.heads)
    assert LOGIN.basic() not in "".join(proxy.heads)


def test_the_proxys_credential_does_not_reach_the_registry(proxy: HttpProxy, secure: DemoRegistry) -> None:
    with open_registry(secure.url, through(proxy)) as source:
        source.ping()
    shown = Credential("user", PROXY_SECRET).basic()
    assert all(one.authorization != shown for one in secure.requests)
    assert all(shown in head for head in proxy.heads)


def test_plain_http_is_asked_for_by_its_whole_address(
    proxy: HttpProxy, demo_registry: DemoRegistry, shop: Stored
) -> None:
    with open_registry(demo_registry.url, through(proxy, credential=None)) as source:
        assert source.document(SHOP, ONE).body == shop.body
    first = proxy.heads[0].partition("\r\n")[0]
    assert first == f"GET {demo_registry.url}/v2/team/shop/manifests/1 HTTP/1.1"
    assert f"\r\nHost: {demo_registry.host}\r\n" in proxy.heads[0]
    assert len(demo_registry.requests) == len(proxy.heads)


def test_a_name_only_the_proxy_knows(proxy: HttpProxy, demo_layout: OciLayout, shop: Stored) -> None:
    registry = https_registry(demo_layout.folder, "registry.invalid")
    registry.auth = "none"
    proxy.hosts["registry.invalid"] = "127.0.0.1"
    with registry.running(), open_registry(f"https://registry.invalid:{registry.port}", through(proxy)) as source:
        assert source.document(SHOP, ONE).body == shop.body


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_login_the_proxy_does_not_take(scheme: str) -> None:
    with proxying("user:another") as strict:
        wrong = Proxy(parse_proxy(strict.url).origin, Credential("user", PROXY_SECRET))
        assert code_of(f"{scheme}://registry.invalid", replace(LOCAL, proxy=wrong)) == "proxy-auth-failed"
        assert code_of(f"{scheme}://registry.invalid", replace(LOCAL, proxy=replace(wrong, credential=None))) == (
            "proxy-auth-failed"
        )


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nnever", "proxy-refused"),
        (b"HTTP/1.1 405 No\r\n\r\n", "proxy-refused"),
        (b"HTTP/1.1 302 F\r\nLocation: http://169.254.169.254/\r\n\r\n", "proxy-refused"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy-unreachable"),
        (b"HTTP/1.0 504 T\r\n\r\n", "proxy-unreachable"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "proxy-failed"),
        (b"", "proxy-failed"),
        (b"HTTP/1.1 200 OK\r\n", "proxy-failed"),
        (b"HTTP/1.1 200 OK\r\n\r\nsurplus", "proxy-failed"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "proxy-failed"),
        (b"HTTP/1.1 200 " + b"x" * 70_000, "proxy-failed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "proxy-failed"),
    ],
)
def test_answers_of_a_proxy(proxy: HttpProxy, answer: bytes, code: str) -> None:
    proxy.answer = answer
    assert code_of("https://registry.invalid", through(proxy)) == code


def test_a_proxy_that_says_nothing(proxy: HttpProxy) -> None:
    with listening(b"") as silent:
        silent_proxy = replace(LOCAL, proxy=parse_proxy(silent.url()))
        assert code_of("https://registry.invalid", silent_proxy) in ("proxy-failed", "proxy-unreachable")


def test_a_proxy_that_is_not_there() -> None:
    with listening() as gone:
        url = gone.url()
    assert code_of("https://registry.invalid", replace(LOCAL, proxy=parse_proxy(url))) == "proxy-unreachable"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "metadata.google.internal",
        "METADATA",
        "instance-data.ec2.internal",
        "0.0.0.0",
    ],
)
def test_metadata_is_not_asked_for_through_a_proxy(proxy: HttpProxy, scheme: str, host: str) -> None:
    assert code_of(f"{scheme}://{host}", through(proxy)) == "forbidden-address"
    assert proxy.heads == []


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "a.localhost", "[::1]"])
def test_private_targets_need_consent_also_through_a_proxy(proxy: HttpProxy, host: str) -> None:
    assert code_of(f"https://{host}", through(proxy, network=PUBLIC_ONLY)) == "forbidden-address"
    assert proxy.heads == []


def test_a_redirect_to_metadata_is_not_asked_for_through_a_proxy(
    proxy: HttpProxy, demo_registry: DemoRegistry, shop: Stored
) -> None:
    demo_registry.auth = "none"
    demo_registry.faults.redirect_documents_to = "http://metadata.google.internal"
    with open_registry(demo_registry.url, through(proxy)) as source, pytest.raises(Refused) as caught:
        source.document(SHOP, ONE)
    assert caught.value.code == "forbidden-address"
    assert not any("metadata" in head for head in proxy.heads)


def test_a_name_that_resolves_here_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr("scanner.sources.registry.network.socket.getaddrinfo", lambda *_, **__: found)
    judge = TargetJudge(PUBLIC_ONLY, 5.0)
    with pytest.raises(Refused, match=r"registry\.example resolves to 10\.0\.0\.1"):
        judge.judge("registry.example", 443)


def test_where_the_proxy_may_be_is_judged() -> None:
    with proxying() as running:
        forbidden = parse_proxy(running.url, PUBLIC_ONLY)
        assert code_of("https://registry.invalid", replace(LOCAL, proxy=forbidden)) == "proxy-forbidden"
        assert running.heads == []


def test_link_local_proxies_are_never_allowed() -> None:
    access = replace(LOCAL, proxy=parse_proxy("http://169.254.169.254:80", PRIVATE_TOO))
    assert code_of("https://registry.invalid", access) == "proxy-forbidden"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_the_environments_proxy_is_not_used(
    proxy: HttpProxy, demo_registry: DemoRegistry, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    with open_registry(demo_registry.url, LOCAL) as source:
        assert source.ping()
    assert proxy.heads == []


def test_names_are_judged_once_a_minute() -> None:
    seconds = [0.0]
    judge = TargetJudge(PRIVATE_TOO, 1.0, lambda: seconds[0])
    judge.judge("127.0.0.1", 80)
    judge.policy = PUBLIC_ONLY
    judge.judge("127.0.0.1", 80)
    seconds[0] = 61.0
    with pytest.raises(Refused):
        judge.judge("127.0.0.1", 80)


def test_the_credential_is_read_and_shows_itself_nowhere() -> None:
    proxy = parse_proxy("http://us%40er:p%3Aw%2F%C3%A4@Proxy.example:3128/")
    assert (str(proxy.origin), proxy.credential) == ("http://proxy.example:3128", Credential("us@er", "p:w/ä"))
    assert "p:w" not in repr(proxy)
    with pytest.raises(TypeError):
        pickle.dumps(proxy)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("socks5://proxy.example:1080", "SOCKS"),
        ("SOCKS4a://proxy.example", "SOCKS"),
        ("https://proxy.example", "https"),
        ("proxy.example:3128", "http://host:port"),
        ("ftp://proxy.example", "http://host:port"),
        ("http://", "http://host:port"),
        ("http://proxy.example/path", "path"),
        ("http://proxy.example:0", "http://host:port"),
        ("http://proxy.example:99999", "http://host:port"),
        ("http://0x7f.1:80", "http://host:port"),
        ("http://pro\r\nxy.example", "http://host:port"),
        ("http://user:p\r\nw@proxy.example", "%XX"),
        ("http://us@er:pw@proxy.example", "%XX"),
        ("http://user:p/w@proxy.example", "%XX"),
        ("http://:pw@proxy.example", "%XX"),
    ],
)
def test_what_is_no_proxy(text: str, words: str) -> None:
    with pytest.raises(InvalidProxy) as caught:
        parse_proxy(text)
    assert words in caught.value.reason
    assert "pw" not in caught.value.reason


def steps_through(proxy: HttpProxy, url: str) -> dict[str, Step]:
    return {step.name: step for step in diagnose(url, through(proxy))}


def test_the_ladder_through_a_proxy(proxy: HttpProxy, secure: DemoRegistry) -> None:
    steps = steps_through(proxy, secure.url)
    assert steps["proxy"].status == f"CONNECT {secure.host} → 200 Connection established"
    assert steps["connection"].state is StepState.SKIPPED
    assert [steps[name].state for name in ("tls", "login", "blob")] == [StepState.OK] * 3
    assert PROXY_SECRET not in repr(steps)


def test_the_ladder_names_the_proxy_that_refuses(proxy: HttpProxy) -> None:
    proxy.answer = b"HTTP/1.1 407 Who are you\r\n\r\n"
    steps = steps_through(proxy, "https://registry.invalid")
    assert (steps["name"].state, steps["allowed"].state) == (StepState.SKIPPED, StepState.OK)
    assert (steps["proxy"].state, steps["proxy"].code) == (StepState.FAILED, "proxy-auth-failed")
    assert steps["tls"].state is StepState.SKIPPED


def test_a_broken_tunnel_is_a_passing_fault(proxy: HttpProxy) -> None:
    proxy.answer = b"HTTP/1.1 503 Busy\r\n\r\n"
    with open_registry("https://registry.invalid", through(proxy)) as source, pytest.raises(Unavailable) as caught:
        source.ping()
    assert "503 Busy" in caught.value.message
