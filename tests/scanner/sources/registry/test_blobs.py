"""Blobs arrive whole, or say why not."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import Refused, Unavailable
from scanner.domain.reference import Digest, parse_repository
from tests.support.demo_registry import DemoRegistry
from tests.support.oci_layout import OciLayout
from tests.support.sources import LOGIN, local_source

SHOP = parse_repository("team/shop")
CONTENT = random.Random(7).randbytes(300_000)


@pytest.fixture
def blob(demo_layout: OciLayout) -> Digest:
    return Digest(demo_layout.put_blob(CONTENT))


def test_a_blob_is_streamed(demo_registry: DemoRegistry, blob: Digest) -> None:
    with local_source(demo_registry.url) as source:
        with source.blob(SHOP, blob, len(CONTENT)) as chunks:
            assert b"".join(chunks) == CONTENT
        assert source.traffic.bytes >= len(CONTENT)


def test_a_broken_transfer_is_continued_once(demo_registry: DemoRegistry, blob: Digest) -> None:
    demo_registry.faults.truncated_blobs = 1
    with local_source(demo_registry.url) as source, source.blob(SHOP, blob, len(CONTENT)) as chunks:
        assert b"".join(chunks) == CONTENT
    assert len(demo_registry.seen("GET", "/blobs/")) == 3  # one of them found out about the token


@pytest.mark.parametrize(("truncated", "ignores_range"), [(2, False), (1, True)])
def test_a_transfer_that_cannot_be_continued(
    demo_registry: DemoRegistry, blob: Digest, truncated: int, ignores_range: bool
) -> None:
    demo_registry.faults.truncated_blobs, demo_registry.faults.ignores_range = truncated, ignores_range
    with local_source(demo_registry.url) as source, pytest.raises(Unavailable) as caught:  # noqa: SIM117 # one per line reads better
        with source.blob(SHOP, blob, len(CONTENT)) as chunks:
            list(chunks)
    assert caught.value.code == "truncated"


@pytest.mark.parametrize("difference", [-1, 1])
def test_another_size_than_the_manifest_says(demo_registry: DemoRegistry, blob: Digest, difference: int) -> None:
    with (
        local_source(demo_registry.url) as source,
        source.blob(SHOP, blob, len(CONTENT) + difference) as chunks,
        pytest.raises(Refused) as caught,
    ):
        list(chunks)
    assert caught.value.code == "digest-mismatch"


def test_a_blob_that_is_not_there(demo_registry: DemoRegistry, blob: Digest) -> None:
    with (
        local_source(demo_registry.url) as source,
        source.blob(SHOP, Digest("sha256:" + "0" * 64), 1) as chunks,
        pytest.raises(Refused) as caught,
    ):
        list(chunks)
    assert caught.value.code == "blob-unknown"


def test_a_blob_may_be_left_in_the_middle(demo_registry: DemoRegistry, blob: Digest) -> None:
    with local_source(demo_registry.url) as source:
        for _ in range(40):
            with source.blob(SHOP, blob, len(CONTENT)) as chunks:
                assert next(chunks)
        source.ping()


def test_a_second_host_serves_blobs_and_never_hears_who_asks(
    demo_registry: DemoRegistry, demo_layout: OciLayout, blob: Digest
) -> None:
    demo_registry.tokens.username, demo_registry.tokens.password = LOGIN.username, LOGIN.password
    with DemoRegistry(demo_layout.folder, auth="none").running() as store:
        demo_registry.faults.redirect_blobs_to = store.url
        with local_source(demo_registry.url, LOGIN) as source, source.blob(SHOP, blob, len(CONTENT)) as chunks:
            assert b"".join(chunks) == CONTENT
        assert len(store.requests) == 1
        assert not any(one.with_authorization or one.cookie for one in store.requests)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("limits", "pause"),
    [(replace(DEFAULT_LIMITS, body_seconds=0.5), 0.01), (replace(DEFAULT_LIMITS, idle_seconds=0.1), 0.3)],
)
def test_a_slow_body_ends_at_its_deadline(
    demo_registry: DemoRegistry, demo_layout: OciLayout, limits: Limits, pause: float
) -> None:
    digest = Digest(demo_layout.put_blob(b"slow" * 500))
    demo_registry.auth, demo_registry.faults.seconds_between_bytes = "none", pause
    started = time.monotonic()
    with (
        local_source(demo_registry.url, limits=limits) as source,
        source.blob(SHOP, digest, 2_000) as chunks,
        pytest.raises(Unavailable) as caught,
    ):
        list(chunks)
    assert caught.value.code == "timeout"
    assert time.monotonic() - started < 15  # it would drip for longer


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 5_000, b"HTTP/1.1 100 Continue\r\n\r\n" * 200]
)
def test_headers_that_drip_end_at_their_deadline(demo_registry: DemoRegistry, head: bytes) -> None:
    faults = demo_registry.faults
    faults.raw_answer, faults.seconds_between_bytes = head, 0.01
    faults.seconds_before_head = 0.0 if head else 1.5
    limits = replace(DEFAULT_LIMITS, first_byte_seconds=0.3, retries=1)
    started = time.monotonic()
    with local_source(demo_registry.url, limits=limits) as source, pytest.raises(Unavailable) as caught:
        source.ping()
    assert caught.value.code == "timeout"
    took = time.monotonic() - started
    while len(demo_registry.requests) < 2:  # the last may be read after it was given up; pytest-timeout ends this
        time.sleep(0.01)
    assert len(demo_registry.requests) == 2
    assert took < 15  # it would drip for longer
