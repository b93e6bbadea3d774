"""Sonatype Nexus 3's repository webhooks, signed with HMAC-SHA1.

Source: Sonatype "Example headers and payloads", "Working with HMAC payloads".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, event_key, ignored, name_of, one, pusher
from compliance.webhooks.proof import BodySignature
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {"CREATED": Kind.PUSHED, "UPDATED": Kind.PUSHED, "DELETED": Kind.DELETED}


def read(headers: Mapping[str, str], body: Object, home: Home) -> Reading:
    """One component: its name is the image, its version the tag."""
    about = headers.get("x-nexus-webhook-id", "rm:repository:component")
    if about != "rm:repository:component":
        return ignored(f"{about[:80]}: no component")
    if text(body, "component", "format") != "docker":
        return ignored(f"a component of format {text(body, 'component', 'format')[:40] or 'unknown'}")
    action = text(body, "action")
    if action not in _KINDS:
        raise Odd(f"unknown action {quoted(action)}")
    name, hosted_in = text(body, "component", "name"), text(body, "repositoryName")
    repository = _repository(hosted_in, name, home)
    if not repository:
        return ignored(f"in {hosted_in[:80]}: none of the repositories that are listed")
    key = event_key(headers.get("x-nexus-webhook-delivery", ""))
    version = text(body, "component", "version")
    return one(Told(_KINDS[action], repository, version, "", key, pusher=_initiator(body)))


def _initiator(body: Object) -> str | None:
    """The name before the address in ``ci/10.0.0.9``."""
    return name_of((pusher(body, "initiator") or "").rpartition("/")[0])


def _repository(hosted_in: str, image: str, home: Home) -> str:
    """As the listing calls it: below the name of its Docker repository where such names were entered; else empty.

    The one name that was entered may be a group's, whose members' events name the member.
    """
    if not home.namespaces:
        return image
    if hosted_in in home.namespaces:
        return f"{hosted_in}/{image}"
    return f"{home.namespaces[0]}/{image}" if len(home.namespaces) == 1 else ""


SENDER: Final = Sender(
    key="nexus",
    title="Sonatype Nexus",
    proofs=(BodySignature("X-Nexus-Webhook-Signature", "sha1"),),
    read=read,
    steps=(
        Step("As an administrator, open System, Capabilities, Create capability: Webhook: Repository."),
        Step("Repository: the docker repository that is scanned. Event Types: component. URL:", "{url}"),
        Step("Secret Key:", "{secret}"),
    ),
    sample=Sample(
        {
            "content-type": "application/json; charset=UTF-8",
            "x-nexus-webhook-id": "rm:repository:component",
            "x-nexus-webhook-delivery": "7a2f6b0e-0000-4000-8000-000000000002",
        },
        """{"timestamp": "2026-01-02T03:04:05.000+0000", "nodeId": "N1", "initiator": "ci/10.0.0.9",
 "repositoryName": "docker-hosted", "action": "CREATED", "component": {"id": "c1", "componentId": "ZG9ja2Vy",
  "format": "docker", "name": "team/shop", "version": "1.4"}}""",
    ),
    note="Each repository has its own capability.",
)
