"""Which addresses may be connected to, in every notation; and that nothing else is connected to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import Refused, Unavailable
from scanner.domain.reference import parse_repository, parse_tag
from scanner.sources.registry import network
from scanner.sources.registry.network import PRIVATE_TOO, PUBLIC_ONLY, resolve_allowed, why_forbidden
from tests.support.demo_registry import DemoRegistry
from tests.support.listener import listening
from tests.support.sources import LOCAL, open_registry

ALWAYS_FORBIDDEN = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:42::42",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::127.0.0.1",
    "64:ff9b:1::a9fe:a9fe",
]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "::ffff:127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.7",
    "fc00::1",
    "fec0::1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
]
PUBLIC = ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "100.128.0.1"]


@pytest.mark.parametrize("address", ALWAYS_FORBIDDEN)
def test_never_allowed(address: str) -> None:
    assert why_forbidden(address, PUBLIC_ONLY)
    assert why_forbidden(address, PRIVATE_TOO)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_only_where_allowed(address: str) -> None:
    assert why_forbidden(address, PUBLIC_ONLY)
    assert why_forbidden(address, PRIVATE_TOO) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert why_forbidden(address, PUBLIC_ONLY) is None


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Make the resolver give one list of addresses after the other, the last one for ever; returns names asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def fake(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        found = rounds[min(len(asked), len(rounds)) - 1]
        return [entry for ip in found for entry in real(ip, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr("scanner.sources.registry.network.socket.getaddrinfo", fake)
    return asked


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(Refused, match=r"10\.0\.0\.1") as caught:
        resolve_allowed("registry.example", 443, PUBLIC_ONLY)
    assert caught.value.code == "forbidden-address"


def test_a_name_without_address_is_a_passing_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("scanner.sources.registry.network.socket.getaddrinfo", fail)
    with pytest.raises(Unavailable) as caught:
        resolve_allowed("registry.example", 443, PUBLIC_ONLY)
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_nothing_connects_to_loopback_unless_allowed(name: str) -> None:
    with listening() as listener, open_registry(f"http://{name}:{listener.port}") as source:
        with pytest.raises(Refused) as caught:
            source.ping()
        assert caught.value.code == "forbidden-address"
        assert listener.connections == 0


def test_the_name_is_asked_once_per_connection_and_its_answer_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, demo_registry: DemoRegistry
) -> None:
    asked = answers(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    with open_registry(f"http://registry.example:{demo_registry.port}", LOCAL) as source:
        demo_registry.auth = "none"
        source.ping()
        source.ping()
    assert asked == ["registry.example"]


def test_rebinding_between_connections_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    assert resolve_allowed("registry.example", 80, PUBLIC_ONLY)
    with listening() as listener, open_registry(f"http://registry.example:{listener.port}") as source:
        with pytest.raises(Refused, match="loopback"):
            source.ping()
        assert listener.connections == 0
    assert len(asked) == 2


def test_the_next_address_is_tried_when_one_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, demo_registry: DemoRegistry
) -> None:
    answers(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    demo_registry.auth = "none"
    with open_registry(f"http://registry.example:{demo_registry.port}", LOCAL) as source:
        assert source.ping()


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0"])
def test_redirects_to_forbidden_addresses_are_not_followed(demo_registry: DemoRegistry, host: str) -> None:
    demo_registry.auth = "none"
    demo_registry.faults.redirect_documents_to = f"http://{host}"
    with open_registry(demo_registry.url, LOCAL) as source, pytest.raises(Refused) as caught:
        source.document(parse_repository("team/shop"), parse_tag("latest"))
    assert caught.value.code == "forbidden-address"


@pytest.fixture
def dead_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Nobody answers until the test is over; the names that were asked for."""
    asked: list[str] = []
    over = threading.Event()
    monkeypatch.setattr(network, "_WAITING", threading.BoundedSemaphore(3))

    def wait(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr("scanner.sources.registry.network.socket.getaddrinfo", wait)
    yield asked
    over.set()


def test_a_name_server_that_does_not_answer_is_not_waited_for(dead_name_server: list[str]) -> None:
    limits = replace(DEFAULT_LIMITS, connect_seconds=0.1, retries=0)
    started = time.monotonic()
    with (
        open_registry("https://registry.example", LOCAL, limits=limits) as source,
        pytest.raises(Unavailable) as caught,
    ):
        source.ping()
    assert time.monotonic() - started < 30
    assert (caught.value.code, "PLIMSOLL_CONNECT_SECONDS" in caught.value.remedy) == ("name-timeout", True)


def test_few_threads_are_left_behind(dead_name_server: list[str]) -> None:
    for _ in range(6):
        with pytest.raises(Unavailable) as caught:
            resolve_allowed("registry.example", 443, PRIVATE_TOO, 0.05)
        assert caught.value.code == "name-timeout"
    assert len(dead_name_server) == 3


def test_addresses_need_no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_WAITING", threading.BoundedSemaphore(1))
    assert network._WAITING.acquire(blocking=False)
    assert resolve_allowed("127.0.0.1", 80, PRIVATE_TOO, 0.01)
