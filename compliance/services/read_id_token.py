"""From an ID token to its claims, where the provider has signed it.

django-allauth does not look at the signature, as the token comes straight from the provider's host; that leaves it to
TLS alone, and to an issuer that may be plain http. Here the key has to fit as well.
"""

from __future__ import annotations

from typing import Any, Final

import jwt
from jwt.types import Options

from compliance.outgoing.provider import MOST_BYTES
from compliance.policy.sign_on import SignOnRefused

_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Never ``none``, and never one whose key is a secret both know: the client's secret would sign tokens."""

_MOST_KEYS: Final = 100
_OPTIONS: Final[Options] = {
    "enforce_minimum_key_length": True,
    # ``policy.sign_on.check_claims`` does, at a moment it is given, and for claims of every type.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def read_id_token(token: object, keys: object) -> dict[str, Any]:
    """The claims.

    :param keys: the provider's, as it publishes them (RFC 7517).
    :raises SignOnRefused: ``token``, for whatever none of them has signed.
    """
    if not isinstance(token, str) or len(token) > MOST_BYTES:
        raise SignOnRefused("token", "there is no ID token")
    published = keys.get("keys") if isinstance(keys, dict) else None
    if not isinstance(published, list) or len(published) > _MOST_KEYS:
        raise SignOnRefused("provider", "jwks_uri has no list of keys")
    try:
        header = jwt.get_unverified_header(token)
        fitting = [each for each in published if isinstance(each, dict) and _fits(each, header)]
        for each in fitting:
            claims = _claims(token, each, str(header["alg"]))
            if claims is not None:
                return claims
    except Exception as error:  # whatever a library stumbles over is no proof
        raise SignOnRefused("token", "it cannot be read") from error
    raise SignOnRefused("token", "no key of the provider has signed it" if fitting else "its key is not published")


def _fits(key: dict[str, Any], header: dict[str, Any]) -> bool:
    is_named = "kid" not in header or key.get("kid") == header["kid"]
    return bool(is_named and key.get("use", "sig") == "sig")


def _claims(token: str, key: dict[str, Any], algorithm: str) -> dict[str, Any] | None:
    if algorithm not in _ALGORITHMS or key.get("alg", algorithm) != algorithm:
        return None
    try:
        public = jwt.PyJWK.from_dict(key, algorithm=algorithm)
        return jwt.decode(token, public, algorithms=[algorithm], options=_OPTIONS)
    except (jwt.InvalidSignatureError, jwt.InvalidKeyError):
        return None
