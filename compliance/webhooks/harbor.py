"""Harbor, in both of its payload formats.

Source: harbor ``src/pkg/notifier/{model,formats,handler}``, its documentation "Configure Webhook Notifications".
Only CloudEvents have an id: ``occur_at`` is in whole seconds, and a tag may move away and back within one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, objects, part, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, add, event_key, ignored, pusher
from compliance.webhooks.proof import HeaderSecret
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {
    "PUSH_ARTIFACT": Kind.PUSHED,
    "DELETE_ARTIFACT": Kind.DELETED,
    "harbor.artifact.pushed": Kind.PUSHED,
    "harbor.artifact.deleted": Kind.DELETED,
}


def read(_headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """Take each resource; one without a tag holds its digest in ``tag``."""
    event = text(body, "type")
    kind = _KINDS.get(event)
    if kind is None:
        if not event:
            raise Odd("The event has no type.")
        return ignored(f"{event[:100]}: no push")
    is_cloud_event = "specversion" in body
    data = part(body, "data" if is_cloud_event else "event_data")
    reading = Reading()
    for resource in objects(data, "resources"):
        tag, digest = text(resource, "tag"), text(resource, "digest")
        key = event_key(text(body, "id")) if is_cloud_event else ""
        host = text(resource, "resource_url").partition("/")[0]
        repository, by = text(data, "repository", "repo_full_name"), pusher(body, "operator")
        add(reading, Told(kind, repository, tag, digest, key, host, by))
    return reading


_CURL: Final = """curl --user admin --request POST https://{host}/api/v2.0/projects/PROJECT/webhook/policies \\
  --header 'Content-Type: application/json' --data '{
  "name": "plimsoll", "enabled": true, "event_types": ["PUSH_ARTIFACT", "DELETE_ARTIFACT"],
  "targets": [{"type": "http", "address": "{url}", "auth_header": "Bearer {secret}",
    "skip_cert_verify": false, "payload_format": "CloudEvents"}]}'"""

SENDER: Final = Sender(
    key="harbor",
    title="Harbor",
    proofs=(HeaderSecret("Authorization"),),
    read=read,
    steps=(
        Step("In each project, open Webhooks, New Webhook: notify type http, payload format CloudEvents or Default."),
        Step("Events: Artifact pushed and Artifact deleted. Endpoint URL:", "{url}"),
        Step("Auth Header:", "Bearer {secret}"),
        Step("Or do the same by Harbor's API, once for each project:", _CURL),
    ),
    sample=Sample(
        {"content-type": "application/json"},
        """{"type": "PUSH_ARTIFACT", "occur_at": 1767323045, "operator": "robot$ci", "event_data": {"resources": [
 {"digest": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", "tag": "1.4",
  "resource_url": "harbor.example/team/shop:1.4"}], "repository": {"date_created": 1767000000, "name": "shop",
  "namespace": "team", "repo_full_name": "team/shop", "repo_type": "private"}}}""",
    ),
    note="Harbor tries three times and then gives a delivery up; the next scan finds what was missed.",
)
