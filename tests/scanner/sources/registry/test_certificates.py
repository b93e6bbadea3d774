"""Certificates and keys as people enter them: what is wrong is said before anything is sent."""

from __future__ import annotations

import pickle
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.problems import Refused
from scanner.sources.registry.certificates import check_client_certificate, check_pem, shown
from scanner.sources.registry.tls import ClientCertificate, tls_context

NOW = datetime.now(UTC)
AUTHORITY = trustme.CA(organization_name="Ours")
CA = AUTHORITY.cert_pem.bytes().decode()
BROKEN = CA.replace("MII", "AAA", 1)


def pair(not_after: datetime | None = None) -> tuple[str, str]:
    """A client certificate with its chain, and its key."""
    issued = AUTHORITY.issue_cert("scanner.example", not_after=not_after)
    return "".join(one.bytes().decode() for one in issued.cert_chain_pems), issued.private_key_pem.bytes().decode()


CERTIFICATE, KEY = pair()
OTHER_KEY = pair()[1]
EXPIRED = pair(NOW - timedelta(days=3))
ENCRYPTED = (
    load_pem_private_key(KEY.encode(), None)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    .decode()
)


def codes(problems: tuple[Refused, ...]) -> list[str]:
    assert all(problem.message and problem.remedy for problem in problems)
    return [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        (CA, []),
        (CA.replace("\n", "\r\n"), []),
        (f"# ours\n{CA}\n{CA}", []),
        ("no PEM", ["extra-ca-invalid"]),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ["extra-ca-invalid"]),
        (CA[: len(CA) // 2], ["extra-ca-invalid"]),
        (CA + BROKEN, ["extra-ca-invalid"]),
        (CA + KEY, ["extra-ca-invalid"]),
        (CA + "x" * (1 << 20), ["extra-ca-invalid"]),
        ("-----BEGIN CERTIFICATE-----ä\x00\ud800", ["extra-ca-invalid"]),
    ],
)
def test_authorities_as_entered(text: str, expected: list[str]) -> None:
    assert codes(check_pem(text, NOW)) == expected


def test_an_expired_authority_is_named() -> None:
    (problem,) = check_pem(CA, datetime(5000, 1, 1, tzinfo=UTC))
    assert problem.code == "extra-ca-expired"
    assert "Ours" in problem.message


@pytest.mark.parametrize(
    ("certificate", "key", "expected"),
    [
        ("", "", []),
        ("", None, []),
        (CERTIFICATE, KEY, []),
        (CERTIFICATE, None, []),
        ("", KEY, ["client-certificate-invalid"]),
        (CERTIFICATE, "", ["client-certificate-invalid"]),
        (CERTIFICATE, "no key", ["client-certificate-invalid"]),
        (CERTIFICATE, CERTIFICATE, ["client-certificate-invalid"]),
        (CERTIFICATE, ENCRYPTED, ["client-certificate-invalid"]),
        (CERTIFICATE, KEY + "x" * (1 << 14), ["client-certificate-invalid"]),
        (CERTIFICATE + KEY, KEY, ["client-certificate-invalid"]),
        (KEY, KEY, ["client-certificate-invalid"]),
        (CERTIFICATE, OTHER_KEY, ["client-certificate-mismatch"]),
        (EXPIRED[0], EXPIRED[1], ["client-certificate-expired"]),
        (EXPIRED[0], None, ["client-certificate-expired"]),
        (EXPIRED[0], OTHER_KEY, ["client-certificate-expired", "client-certificate-mismatch"]),
    ],
)
def test_client_certificates_as_entered(certificate: str, key: str | None, expected: list[str]) -> None:
    found = check_client_certificate(certificate, key, NOW)
    assert codes(found) == expected
    assert not any("PRIVATE KEY" in problem.message for problem in found)


def test_what_a_form_refuses_is_refused_before_a_connection_too() -> None:
    for certificate, key in ((CERTIFICATE, OTHER_KEY), EXPIRED, (CERTIFICATE, ENCRYPTED), ("x", "y")):
        with pytest.raises(Refused) as caught:
            tls_context(client=ClientCertificate(certificate, key))
        assert caught.value.code.startswith("client-certificate-")


@pytest.mark.parametrize("has_memory_files", [True, False])
def test_the_key_stays_on_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_memory_files: bool) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not has_memory_files:
        monkeypatch.delattr("os.memfd_create")
    assert tls_context(client=ClientCertificate(CERTIFICATE, KEY))
    assert list(tmp_path.iterdir()) == []


def test_a_client_key_shows_itself_nowhere() -> None:
    client = ClientCertificate(CERTIFICATE, KEY)
    assert KEY.splitlines()[1] not in repr(client)
    with pytest.raises(TypeError):
        pickle.dumps(client)


@given(st.binary(max_size=500))
def test_a_server_may_show_anything(der: bytes) -> None:
    assert shown(der) is None


@given(st.text(max_size=300))
def test_nothing_entered_breaks_the_form(text: str) -> None:
    wrapped = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"
    assert codes(check_pem(wrapped, NOW)) == ["extra-ca-invalid"]
    assert codes(check_client_certificate(CERTIFICATE, f"{text}\n", NOW)) == ["client-certificate-invalid"]
