"""Secrets of API tokens: how they look, how they stand in a request, and what is stored of them."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

SCHEME: Final = "Bearer"
RANDOM_BYTES: Final = 32
"""256 bits of a secret are random, so that nobody guesses one and a plain hash protects it."""

_SECRET: Final = re.compile(r"plim_[0-9a-f]{6}_[A-Za-z0-9_-]{43}", re.ASCII)
_HEADER: Final = re.compile(rf"{SCHEME} +(?P<secret>{_SECRET.pattern})", re.ASCII | re.IGNORECASE)


def names_bearer(header: str) -> bool:
    """Whether an ``Authorization`` header is meant to carry a token, however wrongly; a proxy's ``Basic`` is not."""
    return header[: len(SCHEME)].casefold() == SCHEME.casefold()


def secret_in(header: str) -> str:
    """The secret that an ``Authorization`` header carries (RFC 6750, 2.1); empty where it is none of ours.

    Servers join several headers of one name by commas, and no secret holds one.
    """
    found = _HEADER.fullmatch(header)
    secret = found["secret"] if found else ""
    return secret if _SECRET.fullmatch(secret) else ""


def spelled(prefix: str, random: str) -> str:
    """A secret: its shown prefix, which tells it from others, and what is random."""
    return f"{prefix}_{random}"


def prefix_of(digits: str) -> str:
    """The part that is shown, from six hexadecimal digits of its own."""
    return f"plim_{digits}"


def digest_of(secret: str) -> str:
    """What is stored of a secret, and what it is looked up by."""
    return sha256(secret.encode()).hexdigest()
