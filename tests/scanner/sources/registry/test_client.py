"""The questions a scan asks, answered by the demo registry: well, and in every wrong way."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import Refused, SourceProblem, Unavailable
from scanner.domain.reference import Digest, parse_digest, parse_repository, parse_tag
from scanner.sources.source import Source
from tests.support.demo_registry import DemoRegistry
from tests.support.images import OCI_MANIFEST, Stored, image
from tests.support.oci_layout import OciLayout
from tests.support.sources import LOGIN, local_source

SHOP = parse_repository("team/shop")
ONE = parse_tag("1")
NOTHING = Digest("sha256:" + "0" * 64)


def code_of(caught: pytest.ExceptionInfo[SourceProblem]) -> str:
    assert caught.value.remedy, "every problem says what to do"
    return caught.value.code


def test_from_catalog_to_document(demo_registry: DemoRegistry, shop: Stored) -> None:
    with local_source(demo_registry.url) as opened:
        source: Source = opened
        assert list(source.repositories()) == ["team/shop"]
        assert list(source.tags(SHOP)) == ["1", "2"]
        resolved = source.resolve(SHOP, ONE)
        document = source.document(SHOP, resolved.digest)
    assert (resolved.digest, resolved.media_type, resolved.size) == (shop.digest, OCI_MANIFEST, len(shop.body))
    assert (document.digest, document.media_type, document.body) == (shop.digest, OCI_MANIFEST, shop.body)


def test_an_unchanged_tag_costs_one_head(demo_registry: DemoRegistry, shop: Stored) -> None:
    with local_source(demo_registry.url) as source:
        list(source.tags(SHOP))
        before = len(demo_registry.requests)
        for _ in range(5):
            source.resolve(SHOP, ONE)
        assert [one.method for one in demo_registry.requests[before:]] == ["HEAD"] * 5
        assert source.traffic.requests == len(demo_registry.requests)


def test_many_threads_share_one_source_and_one_token(demo_registry: DemoRegistry, demo_layout: OciLayout) -> None:
    with demo_layout.together():
        for number in range(100):
            demo_layout.tag("team/shop", f"v{number}", image())
    with local_source(demo_registry.url) as source, ThreadPoolExecutor(8) as pool:
        source.ping()
        barrier = threading.Barrier(8)
        list(pool.map(lambda _: barrier.wait(), range(8)))
        found = list(pool.map(lambda tag: source.resolve(SHOP, tag).digest, source.tags(SHOP)))
    assert len(found) == 100
    assert len(demo_registry.seen(containing="scope=repository")) == 1


def test_no_digest_header_costs_a_get(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.no_digest_header = True
    with local_source(demo_registry.url) as source:
        resolved = source.resolve(SHOP, ONE)
    assert (resolved.digest, resolved.size) == (shop.digest, len(shop.body))
    assert len(demo_registry.seen("GET", "/manifests/")) == 1


@pytest.mark.parametrize("header", ["sha256:abc", "md5:" + "0" * 32, "SHA256:" + "0" * 64])
def test_a_digest_header_of_another_form_is_no_digest(demo_registry: DemoRegistry, shop: Stored, header: str) -> None:
    demo_registry.faults.digest_header = header
    with local_source(demo_registry.url) as source:
        assert source.resolve(SHOP, ONE).digest == shop.digest


def test_parameters_of_a_content_type_are_dropped(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.content_type = f"{OCI_MANIFEST.upper()}; charset=utf-8"
    with local_source(demo_registry.url) as source:
        assert source.resolve(SHOP, ONE).media_type == OCI_MANIFEST


@pytest.mark.parametrize("reference", ["1", "digest"])
def test_bytes_are_hashed(demo_registry: DemoRegistry, shop: Stored, reference: str) -> None:
    demo_registry.faults.corrupt_documents = True
    wanted = ONE if reference == "1" else parse_digest(shop.digest)
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        source.document(SHOP, wanted)
    assert code_of(caught) == "digest-mismatch"


@pytest.mark.parametrize(("difference", "code"), [(1, "truncated"), (-1, "digest-mismatch")])
def test_a_wrong_content_length(demo_registry: DemoRegistry, shop: Stored, difference: int, code: str) -> None:
    demo_registry.faults.wrong_length = difference
    with local_source(demo_registry.url) as source, pytest.raises(SourceProblem) as caught:
        source.document(SHOP, ONE)
    assert code_of(caught) == code


def test_a_sha512_digest_is_kept(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.digest_header = f"sha512:{hashlib.sha512(shop.body).hexdigest()}"
    with local_source(demo_registry.url) as source:
        assert source.document(SHOP, ONE).digest.startswith("sha512:")


def test_what_is_not_there(demo_registry: DemoRegistry, shop: Stored) -> None:
    other = parse_repository("team/other")
    with local_source(demo_registry.url) as source:
        for code, question in (
            ("manifest-unknown", lambda: source.resolve(SHOP, parse_tag("9"))),
            ("manifest-unknown", lambda: source.document(SHOP, NOTHING)),
            ("repository-unknown", lambda: source.tags(other)),
            ("repository-unknown", lambda: source.document(other, ONE)),
        ):
            with pytest.raises(Refused) as caught:
                question()
            assert code_of(caught) == code


def test_an_empty_repository(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.null_tags = True
    with local_source(demo_registry.url) as source:
        assert list(source.tags(SHOP)) == []


def test_pages_are_followed(demo_registry: DemoRegistry, demo_layout: OciLayout) -> None:
    stored = image()
    with demo_layout.together():
        for number in range(250):
            demo_layout.tag(f"team/r{number:03}", "1", stored)
            demo_layout.tag("team/shop", f"v{number:03}", stored)
    demo_registry.faults.largest_page, demo_registry.faults.clamps_pages = 100, True
    with local_source(demo_registry.url) as source:
        assert len(list(source.repositories())) == 251
        assert list(source.tags(SHOP)) == [f"v{number:03}" for number in range(250)]


def test_a_registry_that_wants_smaller_pages(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.largest_page = 50
    with local_source(demo_registry.url) as source:
        assert list(source.repositories()) == ["team/shop"]
    assert [one.path for one in demo_registry.seen("GET", "_catalog") if one.with_authorization] == [
        "/v2/_catalog?n=1000",
        "/v2/_catalog?n=100",
        "/v2/_catalog",
    ]


@pytest.mark.parametrize(("status", "code"), [(404, "catalog-unsupported"), (403, "denied"), (405, "protocol-error")])
def test_a_registry_without_catalog(demo_registry: DemoRegistry, status: int, code: str) -> None:
    demo_registry.faults.catalog_status = status
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        list(source.repositories())
    assert code_of(caught) == code


def test_names_outside_the_grammar_are_noted_and_left_out(demo_registry: DemoRegistry) -> None:
    names = ["team/shop", "../../etc", "Team/Shop", "a" * 300, "x\r\ny", ""]
    demo_registry.faults.catalog_body = json.dumps({"repositories": names}).encode()
    with local_source(demo_registry.url) as source:
        assert list(source.repositories()) == ["team/shop"]
        assert len(source.unusable_names) == 5


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"repositories": "x"}', b'{"repositories": [1]}', b"[" * 100_000, b"\xff\xfe{}"]
)
def test_a_listing_that_is_none(demo_registry: DemoRegistry, body: bytes) -> None:
    demo_registry.faults.catalog_body = body
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        list(source.repositories())
    assert code_of(caught) == "protocol-error"


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("repeated_page", True, "pagination-loop"),
        ("link", "/v2/_catalog?n=1000", "pagination-loop"),
        ("link", "https://127.0.0.1/v2/_catalog", "pagination-forbidden"),
        ("link", "http://evil.example/v2/_catalog", "pagination-forbidden"),
        ("endless_pages", True, "pagination-loop"),
    ],
)
def test_listings_that_lead_astray(
    demo_registry: DemoRegistry, shop: Stored, fault: str, value: object, code: str
) -> None:
    setattr(demo_registry.faults, fault, value)
    limits = replace(DEFAULT_LIMITS, pages=40)
    with local_source(demo_registry.url, limits=limits) as source, pytest.raises(Refused) as caught:
        list(source.repositories())
    assert code_of(caught) == code
    assert len(demo_registry.seen(containing="/v2/")) <= 42


@pytest.mark.parametrize(
    ("limit", "question"), [("listing_bytes", "tags"), ("manifest_bytes", "document"), ("token_bytes", "ping")]
)
def test_answers_that_are_too_large(demo_registry: DemoRegistry, shop: Stored, limit: str, question: str) -> None:
    limits = replace(DEFAULT_LIMITS, **{limit: 10})
    with local_source(demo_registry.url, limits=limits) as source, pytest.raises(Refused, match=limit) as caught:
        {"tags": lambda: source.tags(SHOP), "document": lambda: source.document(SHOP, ONE), "ping": source.ping}[
            question
        ]()
    assert code_of(caught) == "too-large"


def test_an_error_body_is_shown_without_what_cannot_be_seen(demo_registry: DemoRegistry) -> None:
    demo_registry.auth = "none"
    error = json.dumps({"errors": [{"code": "DENIED", "message": "\x1b[31m" + "x" * 5_000}]}).encode()
    demo_registry.faults.raw_answer = b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n%s" % (len(error), error)
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert code_of(caught) == "denied"
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 500


def test_passing_faults_are_survived(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.server_errors, demo_registry.faults.too_many_requests = 2, 2
    with local_source(demo_registry.url) as source:
        assert source.resolve(SHOP, ONE).digest == shop.digest


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_storm_of_server_errors_ends(demo_registry: DemoRegistry, shop: Stored, status: int) -> None:
    demo_registry.faults.server_errors, demo_registry.faults.server_error_status = 10_000, status
    with local_source(demo_registry.url) as source, pytest.raises(Unavailable) as caught:
        source.resolve(SHOP, ONE)
    assert code_of(caught) == "server-error"
    assert len(demo_registry.requests) <= 5


@pytest.mark.parametrize(
    ("header", "wait", "requests"), [("3600", 3600.0, 1), (None, None, 5), ("soon", None, 5), ("-5", None, 5)]
)
def test_too_many_requests(
    demo_registry: DemoRegistry, shop: Stored, header: str | None, wait: float | None, requests: int
) -> None:
    demo_registry.faults.too_many_requests, demo_registry.faults.retry_after = 10_000, header
    with local_source(demo_registry.url) as source, pytest.raises(Unavailable) as caught:
        source.resolve(SHOP, ONE)
    assert (code_of(caught), caught.value.retry_after) == ("rate-limited", wait)
    assert len(demo_registry.requests) == requests


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/0.9 200\r\n\r\n",
        b"\x00\xff\x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-Big: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/html\r\n\r\n<html>",
        b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 206 Part\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_what_is_not_the_protocol(demo_registry: DemoRegistry, shop: Stored, raw: bytes) -> None:
    demo_registry.faults.raw_answer = raw
    with local_source(demo_registry.url) as source, pytest.raises(Refused) as caught:
        source.document(SHOP, ONE)
    assert code_of(caught) == "protocol-error"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
        b"HTTP/1.1 100 C\r\n\r\n",
    ],
)
def test_a_connection_that_breaks_is_a_passing_fault(demo_registry: DemoRegistry, shop: Stored, raw: bytes) -> None:
    demo_registry.faults.raw_answer = raw
    with local_source(demo_registry.url) as source, pytest.raises(Unavailable) as caught:
        source.document(SHOP, ONE)
    assert code_of(caught) == "truncated"
    assert len(demo_registry.requests) == 5


def test_a_web_page_is_no_manifest(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.content_type = "text/html; charset=utf-8"
    with local_source(demo_registry.url) as source:
        for question in (source.resolve, source.document):
            with pytest.raises(Refused) as caught:
                question(SHOP, ONE)
            assert code_of(caught) == "protocol-error"


def test_nobody_is_there(demo_registry: DemoRegistry) -> None:
    with local_source("http://127.0.0.1:9") as source, pytest.raises(Unavailable) as caught:
        source.ping()
    assert code_of(caught) == "unreachable"


def test_every_request_says_who_asks_and_refuses_compression(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.set_cookie = "session=1"
    with local_source(demo_registry.url, LOGIN) as source:
        source.resolve(SHOP, ONE)
        source.resolve(SHOP, ONE)
    assert {one.cookie for one in demo_registry.requests} == {None}
