"""JFrog Artifactory's docker events; the header holds the secret, or the body's signature where that was chosen.

Source: JFrog "Event types", domain docker; "Webhooks" for ``X-JFrog-Event-Auth``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, part, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, ignored, one
from compliance.webhooks.proof import BodySignature, HeaderSecret
from compliance.webhooks.sender import Home, Sample, Sender, Step

_HEADER: Final = "X-JFrog-Event-Auth"
_KINDS: Final = {"pushed": Kind.PUSHED, "promoted": Kind.PUSHED, "deleted": Kind.DELETED}
_PORTS_OF_ALL: Final = ("", "80", "443", "8081", "8082")
"""Where Artifactory itself answers for all its repositories."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def read(_headers: Mapping[str, str], body: Object, home: Home) -> Reading:
    """One tag; the manifest file's checksum is its digest."""
    domain = text(body, "domain")
    if domain not in ("", "docker"):
        return ignored(f"domain {domain[:40]}: no image")
    data = part(body, "data") or body
    event = text(body, "event_type") or text(data, "event_type")
    if event not in _KINDS:
        raise Odd(f"unknown event_type {quoted(event)}")
    found = text(data, "sha256")
    digest = f"sha256:{found}" if _SHA256.fullmatch(found) else ""
    repository = _repository(text(data, "repo_key"), text(data, "image_name"), home)
    return one(Told(_KINDS[event], repository, text(data, "tag"), digest))


def _repository(key: str, image: str, home: Home) -> str:
    """Artifactory serves a repository below its key, at a host name that begins with it, or at a port of its own."""
    host, _, port = home.host.partition(":")
    label = host.partition(".")[0]
    at_own_address = label == key or label.endswith(f"-{key}") or port not in _PORTS_OF_ALL
    return image if not key or (at_own_address and not home.namespaces) else f"{key}/{image}"


SENDER: Final = Sender(
    key="artifactory",
    title="JFrog Artifactory",
    proofs=(BodySignature(_HEADER), HeaderSecret(_HEADER)),
    read=read,
    steps=(
        Step("As a platform administrator, open Platform Management, Webhooks, New Webhook. URL:", "{url}"),
        Step("Secret token, with “Use secret for payload signing” ticked:", "{secret}"),
        Step("Events: Docker tag was pushed, deleted and promoted, for the repositories that are scanned."),
        Step("Where the address is a private one, Artifactory must be told: urlStrictPolicy in system.yaml."),
    ),
    sample=Sample(
        {"content-type": "application/json"},
        """{"domain": "docker", "event_type": "pushed", "data": {"repo_key": "docker-local", "event_type": "pushed",
 "path": "team/shop/1.4/manifest.json", "name": "manifest.json", "size": 1206, "image_name": "team/shop",
 "sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", "tag": "1.4", "platforms": []},
 "subscription_key": "plimsoll", "jpd_origin": "https://acme.jfrog.example", "source": "jfrog/ci"}""",
    ),
    note="Events of a local repository name its own key: scan that one, not a virtual repository over it.",
)
