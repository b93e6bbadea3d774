"""Passkeys (WebAuthn): what a browser is asked, and whether its answer fits. Nothing is written here."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from allauth.mfa.models import Authenticator
from cryptography.exceptions import UnsupportedAlgorithm
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from compliance.models import User
from compliance.policy.relying_party import RelyingParty

SECONDS: Final = 300
"""For how long somebody may look for their key."""

_LONGEST_HANDLE: Final = 18
_ALGORITHM: Final = 3
# What fido2 and cryptography raise over answers that no browser gives; the assertion is fido2's own.
_ODD: Final = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    RecursionError,
    NotImplementedError,
    AssertionError,
    struct.error,
    UnsupportedAlgorithm,
)

State = Mapping[str, Any]
"""What an answer has to fit: the challenge, and whether the device has to know its owner."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``options`` go to the browser; ``state`` stays here until it has answered."""

    options: dict[str, Any]
    state: State


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey that a browser made.

    :param credential: what is kept of it, as django-allauth reads it: a public key and no secret.
    :param is_alone: whether it can let in without the password: the device has it listed and knew its owner.
    """

    party: str
    id: bytes
    credential: dict[str, Any]
    is_alone: bool


def ask_to_make(person: User, party: RelyingParty) -> Asked:
    """Have a passkey made on a device that holds none of this account yet."""
    entity = PublicKeyCredentialUserEntity(
        id=str(person.pk).encode(),
        name=person.get_username(),
        display_name=person.get_full_name() or person.get_username(),
    )
    options, state = _server(party).register_begin(
        entity,
        credentials=[data for _, data in _kept(person, party)],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
        extensions={"credProps": True},
    )
    return Asked(dict(options), state)


def ask_to_show(party: RelyingParty, person: User | None = None) -> Asked:
    """Have a passkey shown: after the password one of ``person``'s, else anybody's that knows its owner."""
    verification = UserVerificationRequirement.DISCOURAGED if person else UserVerificationRequirement.REQUIRED
    options, state = _server(party).authenticate_begin(
        credentials=[data for _, data in _kept(person, party)] if person else None, user_verification=verification
    )
    return Asked(dict(options), state)


def passkey_made(answer: str, state: State, party: RelyingParty) -> Made | None:
    """What the browser made, if its answer is one to ``state`` from this site."""
    try:
        told = json.loads(answer)
        data = _server(party).register_complete(state, RegistrationResponse.from_dict(told))
        kept = data.credential_data
        if kept is None or kept.public_key[_ALGORITHM] not in CoseKey.supported_algorithms():
            return None
        listed = told.get("clientExtensionResults", {}).get("credProps", {}).get("rk")
        # Without the statement of its maker, which tells one device from another.
        attestation = AttestationObject.create("none", data, {})
        credential = {
            "rawId": websafe_encode(kept.credential_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": told["response"]["clientDataJSON"],
                "attestationObject": websafe_encode(attestation),
            },
            "clientExtensionResults": {"credProps": {"rk": listed is not False}},
        }
        return Made(party.id, kept.credential_id, credential, listed is not False and data.is_user_verified())
    except _ODD:
        return None


def owner_named(answer: str) -> User | None:
    """Whose the passkey says it is; anybody can say so, and it is held against their keys."""
    try:
        handle = (AuthenticationResponse.from_dict(json.loads(answer)).response.user_handle or b"").decode("ascii")
    except _ODD:
        return None
    if not handle.isdecimal() or len(handle) > _LONGEST_HANDLE:
        return None
    return User.objects.filter(pk=int(handle)).first()


def passkey_shown(answer: str, state: State, party: RelyingParty, person: User) -> Authenticator | None:
    """Which passkey of ``person`` the browser showed, if its answer is one to ``state`` from this site.

    In a transaction: nobody takes it away before it has let in.
    """
    kept = _kept(person, party, is_held=True)
    try:
        given = AuthenticationResponse.from_dict(json.loads(answer))
        found = _server(party).authenticate_complete(state, [data for _, data in kept], given)
    except _ODD:
        return None
    return next(row for row, data in kept if data.credential_id == found.credential_id)


def _kept(
    person: User, party: RelyingParty, *, is_held: bool = False
) -> list[tuple[Authenticator, AttestedCredentialData]]:
    """The passkeys of somebody that this address may ask for."""
    rows = Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN, data__rp=party.id).order_by("pk")
    found = rows.select_for_update() if is_held else rows
    return [(row, row.wrap().authenticator_data.credential_data) for row in found]


def _server(party: RelyingParty) -> Fido2Server:
    # fido2 alone would take a passkey from every host below this one, which need not be ours.
    server = Fido2Server(
        PublicKeyCredentialRpEntity(id=party.id, name="Plimsoll"), verify_origin=lambda origin: origin == party.origin
    )
    server.timeout = SECONDS * 1_000  # type: ignore[assignment]  # typed as what it is before somebody sets it
    return server
