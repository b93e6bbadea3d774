"""Azure Container Registry: a secret in a header that is set with the webhook.

Source: Azure "Container Registry webhook schema reference".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, event_key, ignored, one
from compliance.webhooks.proof import HeaderSecret
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {
    "push": Kind.PUSHED,
    "delete": Kind.DELETED,
    "ping": None,
    "quarantine": None,
    "chart_push": None,
    "chart_delete": None,
}


def read(_headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """One event; a deletion names a digest and no tag."""
    action = text(body, "action")
    if action not in _KINDS:
        raise Odd(f"unknown action {quoted(action)}")
    kind = _KINDS[action]
    if kind is None:
        return ignored(f"{action}: no push")
    return one(
        Told(
            kind,
            text(body, "target", "repository"),
            text(body, "target", "tag"),
            text(body, "target", "digest"),
            event_key(text(body, "id")),
            text(body, "request", "host"),
        )
    )


_AZ: Final = """az acr webhook create --registry REGISTRY --name plimsoll --actions push delete \\
  --uri '{url}' --headers 'Authorization=Bearer {secret}'"""

SENDER: Final = Sender(
    key="acr",
    title="Azure Container Registry",
    proofs=(HeaderSecret("Authorization"),),
    read=read,
    steps=(
        Step("Make the webhook:", _AZ),
        Step(
            "Try it: the event log of Plimsoll then shows a ping.",
            "az acr webhook ping --registry REGISTRY --name plimsoll",
        ),
        Step("A registry with replicas has one webhook for each region: repeat it with --location."),
    ),
    sample=Sample(
        {"content-type": "application/json"},
        """{"id": "cb8c3971-9adc-488b-0001", "timestamp": "2026-01-02T03:04:05Z", "action": "push",
 "target": {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "size": 524, "length": 524,
  "digest": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
  "repository": "team/shop", "tag": "1.4"},
 "request": {"id": "3cbb6949", "host": "acme.azurecr.io", "method": "PUT", "useragent": "docker"}}""",
    ),
)
