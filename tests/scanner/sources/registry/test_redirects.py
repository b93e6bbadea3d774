"""Redirects are followed by our own rules."""

from __future__ import annotations

import socket
from contextlib import ExitStack, nullcontext

import pytest

from scanner.domain.problems import Refused, Unavailable
from scanner.domain.reference import parse_repository, parse_tag
from tests.support.demo_registry import DemoRegistry
from tests.support.images import Stored
from tests.support.listener import listening
from tests.support.oci_layout import OciLayout
from tests.support.sources import local_source

SHOP = parse_repository("team/shop")
ONE = parse_tag("1")


def redirect(location: str, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 302 F\r\nLocation: %s\r\nContent-Length: %d\r\n\r\n%s" % (location.encode(), len(body), body)


def test_a_document_may_be_elsewhere(demo_registry: DemoRegistry, demo_layout: OciLayout, shop: Stored) -> None:
    with DemoRegistry(demo_layout.folder, auth="none").running() as other:
        demo_registry.faults.redirect_documents_to = other.url
        with local_source(demo_registry.url) as source:
            assert source.resolve(SHOP, ONE).digest == shop.digest
            assert source.document(SHOP, ONE).body == shop.body
        assert not any(one.with_authorization for one in other.requests)


def test_a_loop_ends(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.auth, demo_registry.faults.redirect_loop = "none", True
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        source.document(SHOP, ONE)
    assert caught.value.code == "redirect-loop"
    assert len(demo_registry.requests) == 6


@pytest.mark.parametrize(("hops", "followed"), [(1, True), (5, True), (6, False), (9, False)])
def test_so_many_redirects_are_followed(demo_registry: DemoRegistry, shop: Stored, hops: int, followed: bool) -> None:
    demo_registry.auth = "none"
    with ExitStack() as stack:
        location = f"{demo_registry.url}/v2/team/shop/manifests/1"
        ways = []
        for _ in range(hops):
            ways.append(stack.enter_context(listening(redirect(location))))
            location = f"{ways[-1].url()}/"
        source = stack.enter_context(local_source(ways[-1].url()))
        with nullcontext() if followed else pytest.raises(Refused, match="more than 5 times"):
            assert source.document(SHOP, ONE).body == shop.body
        assert sum(way.connections for way in ways) == min(hops, 6)


def test_a_redirect_to_a_name_that_leads_inside_is_refused(
    demo_registry: DemoRegistry, shop: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        "scanner.sources.registry.network.socket.getaddrinfo",
        lambda host, *rest, **named: found if host == "storage.example" else real(host, *rest, **named),
    )
    demo_registry.auth, demo_registry.faults.redirect_documents_to = "none", "http://storage.example"
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        source.document(SHOP, ONE)
    assert caught.value.code == "forbidden-address"


def test_a_redirects_body_is_not_read(demo_registry: DemoRegistry, shop: Stored) -> None:
    with listening(redirect("/elsewhere", b"x" * 5_000_000)) as bomb:
        demo_registry.faults.redirect_documents_to = bomb.url()
        with local_source(demo_registry.url) as source, pytest.raises((Refused, Unavailable)):
            source.document(SHOP, ONE)
        assert source.traffic.bytes < 10_000


@pytest.mark.parametrize(
    "location", ["", "http://[", "http://user@127.0.0.1/", "ftp://127.0.0.1/x", "http://127.1/", "http://127.0.0.1:0/"]
)
def test_a_location_that_is_no_address(demo_registry: DemoRegistry, shop: Stored, location: str) -> None:
    demo_registry.faults.raw_answer = redirect(location)
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        source.document(SHOP, ONE)
    assert caught.value.code == "redirect-forbidden"


def test_another_host_that_demands_a_login_is_refused(
    demo_registry: DemoRegistry, demo_layout: OciLayout, shop: Stored
) -> None:
    with DemoRegistry(demo_layout.folder).running() as other:
        demo_registry.faults.redirect_documents_to = other.url
        with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
            source.document(SHOP, ONE)
        assert caught.value.code == "redirect-forbidden"
        assert not other.seen(containing="/token")
