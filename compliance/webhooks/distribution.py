"""CNCF Distribution's notifications: an envelope of events, blobs and pulls among them.

Source: distribution ``docs/content/about/notifications.md``, ``notifications/event.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, objects, part, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import MOST_HINTS, Told, add, event_key, pusher
from compliance.webhooks.proof import HeaderSecret
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {"push": Kind.PUSHED, "mount": None, "pull": None, "delete": Kind.DELETED}


def read(_headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """Take the tags that were pushed or deleted; a blob has no tag."""
    reading = Reading()
    for at, event in enumerate(objects(body, "events")):
        if at == MOST_HINTS:
            raise Odd(f"More than {MOST_HINTS:,} events in one request.")
        try:
            _read_event(reading, event)
        except Odd as problem:
            reading.odd.append(str(problem))
    return reading


def _read_event(reading: Reading, event: Object) -> None:
    action = text(event, "action")
    if action not in _KINDS:
        raise Odd(f"unknown action {quoted(action)}")
    kind = _KINDS[action]
    if kind is None:
        reading.ignored.append(f"{action}: nothing changed")
        return
    target = part(event, "target")
    told = Told(
        kind,
        text(target, "repository"),
        text(target, "tag"),
        text(target, "digest"),
        event_key(text(event, "id")),
        text(event, "request", "host"),
        pusher(event, "actor", "name"),
    )
    add(reading, told)


ENVELOPE: Final = """{"events": [{"id": "7a2f6b0e-0001", "timestamp": "2026-01-02T03:04:05Z", "action": "push",
 "target": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 708, "length": 708,
  "digest": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
  "repository": "team/shop", "url": "https://registry.example/v2/team/shop/manifests/sha256:5f70", "tag": "1.4"},
 "request": {"id": "r1", "addr": "10.0.0.9:4000", "host": "registry.example", "method": "PUT", "useragent": "docker"},
 "actor": {"name": "ci"}, "source": {"addr": "reg-0:5000", "instanceID": "i1"}}]}"""

_CONFIG: Final = """notifications:
  endpoints:
    - name: plimsoll
      url: {url}
      headers:
        Authorization: ["Bearer {secret}"]
      timeout: 5s
      threshold: 5
      backoff: 10s
      ignore:
        mediatypes:
          - application/octet-stream
        actions:
          - pull
"""

SENDER: Final = Sender(
    key="distribution",
    title="Distribution",
    proofs=(HeaderSecret("Authorization"),),
    read=read,
    steps=(
        Step("Add this to the registry's config.yml.", _CONFIG),
        Step("Restart the registry. It sends what is pushed from then on, and repeats what could not be delivered."),
    ),
    sample=Sample({"content-type": "application/vnd.docker.distribution.events.v2+json"}, ENVELOPE),
    note="The registry keeps undelivered events in memory: a restart loses them, and the next scan finds them.",
)
