"""How a sender shows that it knows the secret. Everything secret is compared in constant time.

A header that came twice reaches us as one with a comma, which is no secret of ours and no signature.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

_HEX = re.compile(r"[0-9A-Fa-f]{1,128}", re.ASCII)
_SCHEME = re.compile(r"(bearer|token|basic) +(\S+)", re.ASCII | re.IGNORECASE)
_LONGEST = 4_096
MASKED: Final = "(not kept)"
"""What is stored in place of a header's value that holds a secret."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came.

    :param headers: names in lower case.
    :param address_secret: what stood in the address after the endpoint's key; empty for nothing.
    """

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    address_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HeaderSecret:
    """The secret itself, in a header: as it is, after ``Bearer``, or as the password of ``Basic``."""

    header: str


@dataclass(frozen=True, slots=True)
class BodySignature:
    """A keyed hash of the body as it was sent, in hexadecimal digits after a prefix."""

    header: str
    algorithm: str = "sha256"
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class AddressSecret:
    """The secret is the end of the address, for senders that can set no header."""


Proof: TypeAlias = HeaderSecret | BodySignature | AddressSecret
ADDRESS: Final = AddressSecret()


def is_proven(request: Request, proofs: tuple[Proof, ...], secrets: tuple[str, ...]) -> bool:
    """Whether any proof of the product holds for any of the secrets that count now."""
    # Without a short cut, so that how long it takes tells nothing of which one it was.
    found = [_holds(request, proof, secret) for proof in proofs for secret in secrets if secret]
    return any(found)


def could_be_proven(request: Request, proofs: tuple[Proof, ...], secrets: tuple[str, ...]) -> bool:
    """Whether the body, which was not read yet, can make a difference: else nobody needs to wait for it."""
    signatures = [proof for proof in proofs if isinstance(proof, BodySignature)]
    if any(request.headers.get(proof.header.lower()) for proof in signatures):
        return True
    return is_proven(request, tuple(proof for proof in proofs if not isinstance(proof, BodySignature)), secrets)


def header_names(proofs: tuple[Proof, ...]) -> frozenset[str]:
    """The headers that carry proofs, in lower case."""
    return frozenset(proof.header.lower() for proof in proofs if not isinstance(proof, AddressSecret))


def sign(proof: Proof, secret: str, body: bytes) -> dict[str, str]:
    """The headers a sender would prove itself by."""
    match proof:
        case HeaderSecret(header):
            return {header.lower(): f"Bearer {secret}"}
        case BodySignature(header, algorithm, prefix):
            return {header.lower(): prefix + hmac.new(secret.encode(), body, algorithm).hexdigest()}
        case AddressSecret():
            return {}


def _holds(request: Request, proof: Proof, secret: str) -> bool:
    match proof:
        case HeaderSecret(header):
            return _same(_bare(request.headers.get(header.lower(), "")), secret)
        case BodySignature(header, algorithm, prefix):
            return _is_signed(request, request.headers.get(header.lower(), ""), (algorithm, prefix), secret)
        case AddressSecret():
            return _same(request.address_secret, secret)


def _is_signed(request: Request, given: str, how: tuple[str, str], secret: str) -> bool:
    algorithm, prefix = how
    digits = given.removeprefix(prefix)
    if not given.startswith(prefix) or not _HEX.fullmatch(digits):
        return False
    return _same(digits.lower(), hmac.new(secret.encode(), request.body, algorithm).hexdigest())


def _bare(value: str) -> str:
    """What is left of a header without its scheme."""
    found = _SCHEME.fullmatch(value) if len(value) <= _LONGEST else None
    if found is None:
        return value
    if found[1].lower() != "basic":
        return found[2]
    try:
        return base64.b64decode(found[2], validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _same(given: str, wanted: str) -> bool:
    # As bytes: compare_digest refuses text that is not ASCII, and a header may hold anything.
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
