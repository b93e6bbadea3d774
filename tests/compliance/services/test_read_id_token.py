"""ID tokens that nobody has signed who may."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from compliance.outgoing.provider import MOST_BYTES
from compliance.policy.sign_on import SignOnRefused
from compliance.services.read_id_token import read_id_token
from tests.support.sign_on import SECRET, claims, key, published, signed

KEYS = {"keys": [published()]}


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def pem() -> bytes:
    return key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_what_the_provider_signed() -> None:
    assert read_id_token(signed(claims()), KEYS) == claims()
    assert read_id_token(signed(claims(exp=1)), KEYS)["exp"] == 1, (
        "times are checked elsewhere, by the database's clock"
    )
    rotated = {"keys": [published(2), 7, {"kty": "odd"}, published()]}
    assert read_id_token(signed(claims()), rotated) == claims()
    nameless = jwt.encode(claims(), key(), algorithm="RS256")
    assert read_id_token(nameless, rotated) == claims()


def test_other_algorithms_of_public_keys() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    public = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(curve.public_key())), "kid": "curve"}
    token = jwt.encode(claims(), curve, algorithm="ES256", headers={"kid": "curve"})
    assert read_id_token(token, {"keys": [public]}) == claims()


def test_an_algorithm_that_nobody_asked_for() -> None:
    curve = ec.generate_private_key(ec.SECP256K1())
    public = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(curve.public_key())), "kid": "curve"}
    token = jwt.encode(claims(), curve, algorithm="ES256K", headers={"kid": "curve"})
    with pytest.raises(SignOnRefused):
        read_id_token(token, {"keys": [public]})


def test_ten_thousand_groups_are_read_and_a_megabyte_is_not() -> None:
    many = claims(groups=[f"group-{each}" for each in range(10_000)])
    assert read_id_token(signed(many), KEYS) == many
    with pytest.raises(SignOnRefused):
        read_id_token("a" * (MOST_BYTES + 1), KEYS)


HOSTILE: dict[str, object] = {
    "nothing": None,
    "a number": 7,
    "no token": "abc",
    "none": jwt.encode(claims(), "", algorithm="none"),
    "none, named": f"{part({'alg': 'none', 'kid': 'key-1'})}.{part(claims())}.",
    "the client's secret": jwt.encode(claims(), SECRET * 4, algorithm="HS256", headers={"kid": "key-1"}),
    "another key under its name": signed(claims(), 2, kid="key-1"),
    "another key": signed(claims(), 2),
    "another payload": ".".join(
        (signed(claims()).split(".")[0], part(claims(sub="root")), signed(claims()).split(".")[2])
    ),
    "no object": jwt.api_jws.encode(b'["sub"]', key(), algorithm="RS256", headers={"kid": "key-1"}),
    "deep": jwt.api_jws.encode(b"[" * 100_000, key(), algorithm="RS256", headers={"kid": "key-1"}),
    "a long number": jwt.api_jws.encode(
        b'{"exp":' + b"9" * 9_999 + b"}", key(), algorithm="RS256", headers={"kid": "key-1"}
    ),
    "no utf-8": jwt.api_jws.encode(b'{"sub":"\xff"}', key(), algorithm="RS256", headers={"kid": "key-1"}),
    "an odd name of a key": signed(claims(), kid="../key-1"),
    "a critical header": signed(claims(), crit=["exp"]),
    "a header that is a list": f"{part(['RS256'])}.{part(claims())}.AAAA",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_nobody_signed_who_may(name: str) -> None:
    with pytest.raises(SignOnRefused) as refused:
        read_id_token(HOSTILE[name], KEYS)
    assert refused.value.code == "token"


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    """RFC 8725, 2.1: HS256 with the text of the public key; PyJWT would not write it, so it is written by hand."""
    body = f"{part({'alg': 'HS256', 'kid': 'key-1'})}.{part(claims())}"
    forged = f"{body}.{part(hmac.new(pem(), body.encode(), hashlib.sha256).digest())}"
    with pytest.raises(SignOnRefused):
        read_id_token(forged, KEYS)
    shared = {"kty": "oct", "k": part(b"x" * 32), "kid": "key-1"}
    with pytest.raises(SignOnRefused):
        read_id_token(jwt.encode(claims(), b"x" * 32, algorithm="HS256", headers={"kid": "key-1"}), {"keys": [shared]})


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (None, "provider"), ([], "provider"), ({}, "provider"), ({"keys": {}}, "provider"),
        ({"keys": [published()] * 101}, "provider"),
        ({"keys": []}, "token"), ({"keys": [published(use="enc")]}, "token"), ({"keys": [published(kty=7)]}, "token"),
        ({"keys": [published(n=7)]}, "token"), ({"keys": [published(alg="RS512")]}, "token"),
    ],
)  # fmt: skip
def test_keys_that_are_none(keys: Any, code: str) -> None:
    with pytest.raises(SignOnRefused) as refused:
        read_id_token(signed(claims()), keys)
    assert refused.value.code == code


def test_a_key_that_is_too_short() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyJWT alone would only warn of it
        token = jwt.encode(claims(), short, algorithm="RS256", headers={"kid": "short"})
        public = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(short.public_key())), "kid": "short"}
        with pytest.raises(SignOnRefused):
            read_id_token(token, {"keys": [public]})
