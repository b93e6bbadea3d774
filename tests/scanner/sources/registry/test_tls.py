"""Certificates: which are believed, and what is said of those that are not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
import trustme

from scanner.domain.problems import Refused
from scanner.domain.reference import parse_repository, parse_tag
from scanner.sources.registry.asking import Access
from scanner.sources.registry.diagnosis import StepState, diagnose
from scanner.sources.registry.tls import ClientCertificate, tls_context
from tests.support.demo_registry import DemoRegistry
from tests.support.images import Stored
from tests.support.oci_layout import OciLayout
from tests.support.sources import LOCAL, LOGIN, open_registry

LONG_AGO = datetime.now(UTC) - timedelta(days=2)
SOON = datetime.now(UTC) + timedelta(days=30)
AUTHORITY = trustme.CA()
OTHER_AUTHORITY = trustme.CA()
OURS = replace(LOCAL, extra_ca=AUTHORITY.cert_pem.bytes().decode())


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@contextmanager
def https_registry(folder: Path, certificate: trustme.LeafCert) -> Iterator[DemoRegistry]:
    registry = DemoRegistry(folder)
    registry.speak_tls(server_context(certificate))
    with registry.running():
        yield registry


def good() -> trustme.LeafCert:
    return AUTHORITY.issue_cert("127.0.0.1", "localhost")


def test_an_authority_of_ones_own(demo_layout: OciLayout, shop: Stored) -> None:
    with https_registry(demo_layout.folder, good()) as registry, open_registry(registry.url, OURS) as source:
        assert source.resolve(parse_repository("team/shop"), parse_tag("1")).digest == shop.digest


@pytest.mark.parametrize(
    ("certificate", "access", "code"),
    [
        (good, LOCAL, "tls-untrusted"),
        (lambda: OTHER_AUTHORITY.issue_cert("127.0.0.1"), OURS, "tls-untrusted"),
        (lambda: AUTHORITY.issue_cert("127.0.0.1", not_after=LONG_AGO), OURS, "tls-expired"),
        (lambda: AUTHORITY.issue_cert("127.0.0.1", not_before=SOON), OURS, "tls-expired"),
        (lambda: AUTHORITY.issue_cert("registry.example"), OURS, "tls-wrong-host"),
        (lambda: AUTHORITY.issue_cert("127.0.0.2"), OURS, "tls-wrong-host"),
    ],
)
def test_certificates_that_are_not_believed(
    demo_layout: OciLayout, certificate: Callable[[], trustme.LeafCert], access: Access, code: str
) -> None:
    with https_registry(demo_layout.folder, certificate()) as registry:
        with open_registry(registry.url, replace(access, credential=LOGIN)) as source, pytest.raises(Refused) as caught:
            source.ping()
        assert (caught.value.code, bool(caught.value.remedy)) == (code, True)
        assert registry.requests == []


def test_the_name_is_checked_not_the_address(demo_layout: OciLayout) -> None:
    with https_registry(demo_layout.folder, AUTHORITY.issue_cert("localhost")) as registry:
        with open_registry(f"https://localhost:{registry.port}", OURS) as source, pytest.raises(Refused) as caught:
            source.ping()
        assert caught.value.code == "token-realm-forbidden"  # so TLS went well: the realm is 127.0.0.1


def test_checks_can_be_switched_off_for_one_registry(demo_layout: OciLayout) -> None:
    certificate = OTHER_AUTHORITY.issue_cert("registry.example")
    insecure = replace(LOCAL, verify_tls=False)
    with https_registry(demo_layout.folder, certificate) as registry, open_registry(registry.url, insecure) as source:
        assert source.ping()


def test_switched_off_checks_do_not_count_elsewhere(demo_layout: OciLayout, shop: Stored) -> None:
    insecure = replace(LOCAL, verify_tls=False)
    with (
        https_registry(demo_layout.folder, OTHER_AUTHORITY.issue_cert("127.0.0.1")) as registry,
        https_registry(demo_layout.folder, OTHER_AUTHORITY.issue_cert("127.0.0.1")) as other,
    ):
        registry.faults.redirect_documents_to = other.url
        with open_registry(registry.url, insecure) as source, pytest.raises(Refused) as caught:
            source.document(parse_repository("team/shop"), parse_tag("1"))
        assert caught.value.code == "tls-untrusted"
        assert other.requests == []


def test_a_redirect_to_plain_http_is_refused(demo_layout: OciLayout, demo_registry: DemoRegistry, shop: Stored) -> None:
    with https_registry(demo_layout.folder, good()) as registry:
        registry.faults.redirect_documents_to = demo_registry.url
        with open_registry(registry.url, OURS) as source, pytest.raises(Refused) as caught:
            source.document(parse_repository("team/shop"), parse_tag("1"))
    assert caught.value.code == "redirect-forbidden"
    assert demo_registry.requests == []


def test_a_realm_on_plain_http_is_refused(demo_layout: OciLayout, demo_registry: DemoRegistry) -> None:
    with https_registry(demo_layout.folder, good()) as registry:
        registry.faults.realm = f"{demo_registry.url}/token"
        with open_registry(registry.url, replace(OURS, credential=LOGIN)) as source, pytest.raises(Refused) as caught:
            source.ping()
    assert caught.value.code == "token-realm-forbidden"
    assert demo_registry.requests == []


def test_plain_http_where_https_is_meant(demo_registry: DemoRegistry) -> None:
    with open_registry(f"https://{demo_registry.host}", OURS) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code == "tls-failed"
    assert demo_registry.requests == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(demo_layout: OciLayout, version: ssl.TLSVersion) -> None:
    registry = DemoRegistry(demo_layout.folder)
    context = server_context(good())
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    registry.speak_tls(context)
    with registry.running(), open_registry(registry.url, OURS) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code == "tls-failed"


@pytest.mark.parametrize("text", ["no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_said_at_once(text: str) -> None:
    with pytest.raises(Refused) as caught:
        tls_context(text)
    assert caught.value.code == "extra-ca-invalid"


def client(authority: trustme.CA = AUTHORITY, not_after: datetime | None = None) -> ClientCertificate:
    issued = authority.issue_cert("scanner.example", not_after=not_after)
    chain = "".join(one.bytes().decode() for one in issued.cert_chain_pems)
    return ClientCertificate(chain, issued.private_key_pem.bytes().decode())


@contextmanager
def demanding(folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[DemoRegistry]:
    """A registry that lets in only who shows a certificate of our authority."""
    registry = DemoRegistry(folder, auth="none")
    context = server_context(good())
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    AUTHORITY.configure_trust(context)
    registry.speak_tls(context)
    with registry.running():
        yield registry


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_demanded(demo_layout: OciLayout, shop: Stored, version: ssl.TLSVersion) -> None:
    access = replace(OURS, client=client())
    with demanding(demo_layout.folder, version) as registry, open_registry(registry.url, access) as source:
        assert source.resolve(parse_repository("team/shop"), parse_tag("1")).digest == shop.digest


@pytest.mark.parametrize(
    ("shown", "version", "code"),
    [
        (None, ssl.TLSVersion.TLSv1_3, "client-certificate-required"),
        (None, ssl.TLSVersion.TLSv1_2, "tls-failed"),
        (client(OTHER_AUTHORITY), ssl.TLSVersion.TLSv1_3, "client-certificate-refused"),
        (client(OTHER_AUTHORITY), ssl.TLSVersion.TLSv1_2, "client-certificate-refused"),
        (client(not_after=LONG_AGO), ssl.TLSVersion.TLSv1_3, "client-certificate-expired"),
        (replace(client(), key=client().key), ssl.TLSVersion.TLSv1_3, "client-certificate-mismatch"),
    ],
)
def test_without_the_right_client_certificate(
    demo_layout: OciLayout, shown: ClientCertificate | None, version: ssl.TLSVersion, code: str
) -> None:
    with demanding(demo_layout.folder, version) as registry:
        with open_registry(registry.url, replace(OURS, client=shown)) as source, pytest.raises(Refused) as caught:
            source.ping()
        assert (caught.value.code, bool(caught.value.remedy), registry.requests) == (code, True, [])


def test_nginx_says_it_in_a_page(demo_registry: DemoRegistry) -> None:
    page = b"<html><center><h1>400 Bad Request</h1></center><center>No required SSL certificate was sent</center>"
    demo_registry.faults.raw_answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)
    with open_registry(demo_registry.url, LOCAL) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code == "client-certificate-required"


def test_the_ladder_names_a_client_certificate_that_is_missing(demo_layout: OciLayout) -> None:
    with demanding(demo_layout.folder) as registry:
        steps = list(diagnose(registry.url, OURS))
    broken = [step for step in steps if step.state is StepState.FAILED]
    assert [(step.name, step.code) for step in broken] == [("api", "client-certificate-required")]


def test_a_client_certificate_is_shown_at_the_registrys_own_origin_only(demo_layout: OciLayout, shop: Stored) -> None:
    with demanding(demo_layout.folder) as registry, demanding(demo_layout.folder) as other:
        registry.faults.redirect_documents_to = other.url
        with open_registry(registry.url, replace(OURS, client=client())) as source, pytest.raises(Refused) as caught:
            source.document(parse_repository("team/shop"), parse_tag("1"))
        assert caught.value.code == "client-certificate-required"
        assert other.requests == []


def test_an_authority_of_ones_own_counts_where_blobs_are_kept_too(demo_layout: OciLayout, shop: Stored) -> None:
    with https_registry(demo_layout.folder, good()) as registry, https_registry(demo_layout.folder, good()) as other:
        other.auth = "none"
        registry.faults.redirect_documents_to = other.url
        with open_registry(registry.url, OURS) as source:
            assert source.document(parse_repository("team/shop"), parse_tag("1")).body == shop.body


def test_no_more_connections_than_allowed(demo_layout: OciLayout, shop: Stored) -> None:
    with https_registry(demo_layout.folder, good()) as registry:
        registry.auth, registry.faults.seconds_before_head = "none", 0.05
        seen: list[int] = []
        original = registry.get_request

        def counted() -> tuple[socket.socket, object]:
            connection = original()
            seen.append(1)
            return connection

        with (
            patch.object(registry, "get_request", counted),
            open_registry(registry.url, replace(OURS, connections=2)) as source,
            ThreadPoolExecutor(8) as pool,
        ):
            list(pool.map(lambda _: source.ping(), range(16)))
        assert len(seen) <= 2
