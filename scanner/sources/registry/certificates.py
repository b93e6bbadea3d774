"""Certificates and keys as people enter them, checked before anything is sent; and those that servers show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from scanner.domain.printable import printable
from scanner.domain.problems import Refused
from scanner.sources.registry.errors import refused

_BEGIN = "-----BEGIN CERTIFICATE-----"
_LONGEST_BUNDLE = 1 << 20
_LONGEST_KEY = 1 << 14
_LONGEST_NAME = 100
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person wants to know of a certificate; names are printable."""

    subject: str
    issuer: str
    expires: datetime

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires; negative when it has."""
        return (self.expires - now).days


def shown(der: bytes) -> Shown | None:
    """Read a certificate in DER, which may be anything a server sent; ``None`` where it cannot be read."""
    try:
        return _shown(x509.load_der_x509_certificate(der))
    except (ValueError, TypeError, x509.InvalidVersion):
        return None


def check_pem(text: str, now: datetime) -> tuple[Refused, ...]:
    """What is wrong with certificates of authorities entered in PEM; nothing of an empty text."""
    return _checked(text, "extra-ca-invalid", "extra-ca-expired", now) if text.strip() else ()


def check_client_certificate(certificate: str, key: str | None, now: datetime) -> tuple[Refused, ...]:
    """What is wrong with a client certificate and its key in PEM; nothing when both are empty.

    :param key: ``None`` where it is stored and not entered again, so that nothing can be said of it.
    """
    if not certificate.strip():
        if not key:
            return ()
        return (refused("client-certificate-invalid", "There is a client key without a client certificate"),)
    found = _checked(certificate, "client-certificate-invalid", "client-certificate-expired", now, only_first=True)
    if key is None or any(problem.code == "client-certificate-invalid" for problem in found):
        return found
    problem = _key_problem(certificate, key)
    return (*found, problem) if problem else found


def _checked(text: str, invalid: str, expired: str, now: datetime, *, only_first: bool = False) -> tuple[Refused, ...]:
    if "PRIVATE KEY-----" in text:
        return (refused(invalid, "A private key is among the certificates; replace it, for it may be known now"),)
    if len(text) > _LONGEST_BUNDLE:
        return (refused(invalid, f"The certificates are longer than {_LONGEST_BUNDLE} characters"),)
    if _BEGIN not in text:
        return (refused(invalid, f"There is no certificate in PEM form, which begins with {_BEGIN}"),)
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
        described = [_shown(one) for one in (certificates[:1] if only_first else certificates)]
    except (ValueError, TypeError, x509.InvalidVersion):
        return (refused(invalid, "A certificate cannot be read; it may be cut off or changed on the way"),)
    return tuple(
        refused(expired, f"The certificate of {one.subject} expired on {one.expires:%Y-%m-%d}")
        for one in described
        if one.expires <= now
    )


def _key_problem(certificate: str, key: str) -> Refused | None:
    if not key.strip():
        return refused("client-certificate-invalid", "There is a client certificate without its key")
    if len(key) > _LONGEST_KEY:
        return refused("client-certificate-invalid", f"The client key is longer than {_LONGEST_KEY} characters")
    try:
        # Whether its numbers are prime takes long to find out, and is not ours to judge.
        private = load_pem_private_key(key.encode(), None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return refused("client-certificate-invalid", "The client key is encrypted; enter it without a passphrase")
    except (ValueError, UnsupportedAlgorithm):
        return refused("client-certificate-invalid", "The client key cannot be read; it is wanted in PEM form")
    first = x509.load_pem_x509_certificates(certificate.encode())[0]
    try:
        theirs, ours = (
            one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            for one in (first.public_key(), private.public_key())
        )
    except (ValueError, UnsupportedAlgorithm, AttributeError):
        return refused("client-certificate-invalid", "The client certificate or its key is of an unknown kind")
    if theirs != ours:
        return refused("client-certificate-mismatch", "The client key is not that of the client certificate")
    return None


def _shown(certificate: x509.Certificate) -> Shown:
    return Shown(
        _name(certificate.subject) or _other_names(certificate) or "nobody",
        _name(certificate.issuer) or "nobody",
        certificate.not_valid_after_utc,
    )


def _name(name: x509.Name) -> str:
    attributes = (
        *name.get_attributes_for_oid(NameOID.COMMON_NAME),
        *name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME),
    )
    return printable(", ".join(str(one.value) for one in attributes[:_NAMES_SHOWN]), longest=_LONGEST_NAME)


def _other_names(certificate: x509.Certificate) -> str:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    names = [str(one.value) for one in list(found)[:_NAMES_SHOWN] if isinstance(one, x509.DNSName | x509.IPAddress)]
    return printable(", ".join(names), longest=_LONGEST_NAME)
