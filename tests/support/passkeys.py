"""A device that makes and shows passkeys, as browsers hand on what it says; each lie it can tell is an argument."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import Client
from fido2.cose import ES256, CoseKey
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from compliance.models import AuditAction, AuditEvent, User
from compliance.policy.relying_party import RelyingParty
from compliance.queries.security import Passkey, factors_of
from compliance.services.accept_passkey import ask_to_make, passkey_made
from compliance.services.change_factors import add_passkey
from tests.support.factors import confirm
from tests.support.pages import Page, get
from tests.support.rows import NOW, PASSWORD

SITE: Final = RelyingParty("localhost", "http://localhost")
FLAG = AuthenticatorData.FLAG
HERE: Final = "/settings/security/"
ADD: Final = f"{HERE}passkeys/add/"
ALONE: Final = "/login/passkey/"
CODE: Final = "/login/code/"
KNOWN: Final = FLAG.UP | FLAG.UV
"""Somebody is there, and the device knows who."""


@dataclass
class Device:
    """One passkey; ``answer_to_make`` and ``answer_to_show`` say what the browser sends."""

    site: RelyingParty = SITE
    owner: bytes = b""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def answer_to_make(
        self,
        options: dict[str, Any],
        *,
        origin: str = "",
        flags: AuthenticatorData.FLAG = KNOWN,
        listed: bool | None = True,
        public: CoseKey | None = None,
    ) -> str:
        """What it makes when it is asked."""
        self.owner = options["user"]["id"].encode()
        public_key = public or ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]  # fido2's
        held = AttestedCredentialData.create(Aaguid.NONE, self.id, public_key)
        data = AuthenticatorData.create(self._site(), flags | FLAG.AT, 0, held)
        said = self._said("webauthn.create", options, origin)
        response = {"clientDataJSON": said.b64, "attestationObject": websafe_encode(_unattested(data))}
        return self._answer(response, {} if listed is None else {"credProps": {"rk": listed}})

    def answer_to_show(
        self,
        options: dict[str, Any],
        *,
        origin: str = "",
        flags: AuthenticatorData.FLAG = KNOWN,
        owner: str | None = None,
        kind: str = "webauthn.get",
    ) -> str:
        """What it signs when it is asked."""
        data = AuthenticatorData.create(self._site(), flags, 0)
        said = self._said(kind, options, origin)
        signature = self.key.sign(data + said.hash, ec.ECDSA(SHA256()))
        handle = self.owner.decode() if owner is None else owner
        response = {
            "clientDataJSON": said.b64,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": handle,
        }
        return self._answer(response, {})

    def _site(self) -> bytes:
        return sha256(self.site.id.encode()).digest()

    def _said(self, kind: str, options: dict[str, Any], origin: str) -> CollectedClientData:
        return CollectedClientData.create(kind, options["challenge"], origin or self.site.origin)

    def _answer(self, response: dict[str, str], extensions: dict[str, Any]) -> str:
        name = websafe_encode(self.id)
        said = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps({**said, "clientExtensionResults": extensions})


def _unattested(data: AuthenticatorData) -> AttestationObject:
    return AttestationObject.create("none", data, {})


def with_passkey(person: User, name: str = "Phone", *, site: RelyingParty = SITE, **made: Any) -> Device:
    """Somebody's device, added long ago."""
    device, asked = Device(site), ask_to_make(person, site)
    found = passkey_made(device.answer_to_make(asked.options["publicKey"], **made), asked.state, site)
    assert found is not None
    add_passkey(person, name, found, now=NOW, session="")
    return device


def newest(person: User) -> Passkey:
    """The one that somebody added last."""
    return factors_of(person).passkeys[0]


def browser(address: str = "192.0.2.1") -> Client:
    """At a name that browsers know passkeys at."""
    return Client(SERVER_NAME="localhost", REMOTE_ADDR=address)


def confirmed(person: User) -> Client:
    """Somebody who has just entered the password again."""
    client = browser()
    client.force_login(person)
    confirm(client)
    return client


def half_way(name: str = "sam") -> Client:
    """A browser after the password was right."""
    client = browser()
    answer = client.post("/login/", {"username": name, "password": PASSWORD})
    assert answer.headers["Location"] == CODE
    return client


def is_in(client: Client) -> bool:
    """Whether somebody is logged in."""
    return client.get("/rules/").status_code == 200


def did(action: AuditAction) -> list[AuditEvent]:
    """Lines of the trail."""
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


def options(client: Client, path: str = CODE) -> dict[str, Any]:
    """What the page has our script ask the browser."""
    [form] = [each for each in get(client, path).all("form") if "data-passkey" in each.attributes]
    found: dict[str, Any] = json.loads(form.attributes["data-options"])
    return found


def alone(device: Device, client: Client, *, target: str = "", **lies: Any) -> str:
    """Where a login without the password leads to."""
    told = client.get(ALONE).json()
    answer = client.post(ALONE, {"credential": device.answer_to_show(told, **lies), "next": target})
    return answer.headers["Location"]


def after_password(device: Device, client: Client, **lies: Any) -> tuple[int, str]:
    """The status of the answer to a passkey after the password, and its problem."""
    answer = client.post(CODE, {"credential": device.answer_to_show(options(client), **lies)})
    errors = [each.text for each in Page(answer.content.decode()).all("p", role="alert") if each.text]
    return answer.status_code, " ".join(errors)
