"""Zot: CloudEvents over HTTP, whole in the body (structured) or with their attributes in headers (binary).

Source: zot ``pkg/extensions/events``, zotregistry.dev "Event Support for zot"; the prefix of the type can be set there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, part, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, event_key, ignored, one, pusher
from compliance.webhooks.proof import HeaderSecret
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {".image.updated": Kind.PUSHED, ".image.deleted": Kind.DELETED}


def read(headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """One image; ``reference`` is a tag or a digest."""
    if "ce-type" in headers:
        event, key, data = headers["ce-type"], headers.get("ce-id", ""), body
    else:
        event, key, data = text(body, "type"), text(body, "id"), part(body, "data")
    if not event:
        raise Odd("The event has no type.")
    kind = next((kind for end, kind in _KINDS.items() if event.endswith(end)), None)
    if kind is None:
        return ignored(f"{event[:100]}: no push")
    by = pusher(data, "actor", "name")
    told = Told(kind, text(data, "name"), text(data, "reference"), text(data, "digest"), event_key(key), pusher=by)
    return one(told)


_CONFIG: Final = """"extensions": {
  "events": {
    "enable": true,
    "sinks": [{
      "type": "http",
      "address": "{url}",
      "timeout": "5s",
      "headers": {"Authorization": "Bearer {secret}"}
    }]
  }
}"""

SENDER: Final = Sender(
    key="zot",
    title="Zot",
    proofs=(HeaderSecret("Authorization"),),
    read=read,
    steps=(
        Step("Add this to zot's config.json; the full build of zot has this extension.", _CONFIG),
        Step("Restart zot."),
    ),
    sample=Sample(
        {"content-type": "application/cloudevents+json"},
        """{"specversion": "1.0", "type": "zotregistry.image.updated", "source": "zotregistry.dev",
 "id": "7a2f6b0e-0004", "time": "2026-01-02T03:04:05Z", "datacontenttype": "application/json",
 "data": {"name": "team/shop", "reference": "1.4", "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "digest": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", "manifest": "{}",
  "actor": {"name": "ci"}, "request": {"addr": "10.0.0.9", "method": "PUT"}}}""",
    ),
    note="Zot does not repeat an event that could not be delivered; the next scan finds what was missed.",
)
