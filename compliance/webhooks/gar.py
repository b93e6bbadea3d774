"""Google Artifact Registry: a Pub/Sub push subscription, with the secret in its address.

Source: Artifact Registry "Configure Pub/Sub notifications", Pub/Sub "Push subscriptions". Google's signed token is not
needed for the secret to prove the sender: the address is known to the subscription alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, parse_object, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, event_key, one
from compliance.webhooks.proof import ADDRESS
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {"INSERT": Kind.PUSHED, "DELETE": Kind.DELETED}


def read(_headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """Unwrap the message; its names are full references."""
    try:
        inner = parse_object(base64.b64decode(text(body, "message", "data"), validate=True))
    except (binascii.Error, ValueError):
        raise Odd("message.data is not base64.") from None
    action = text(inner, "action")
    if action not in _KINDS:
        raise Odd(f"unknown action {quoted(action)}")
    by_tag, by_digest = text(inner, "tag"), text(inner, "digest")
    host, _, path = (by_tag or by_digest).partition("/")
    repository = path.partition("@")[0].partition(":")[0]
    tag = by_tag.partition("/")[2].partition(":")[2]
    digest = by_digest.partition("@")[2]
    key = event_key(text(body, "message", "messageId") or text(body, "message", "message_id"))
    return one(Told(_KINDS[action], repository, tag, digest, key, host))


_GCLOUD: Final = """gcloud pubsub topics create gcr --project PROJECT
gcloud pubsub subscriptions create plimsoll --project PROJECT --topic gcr \\
  --push-endpoint '{url}' --ack-deadline 30"""

_MESSAGE: Final = b"""{"action": "INSERT", "tag": "europe-docker.pkg.dev/acme/apps/shop:1.4", "digest":
 "europe-docker.pkg.dev/acme/apps/shop@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"}"""

SENDER: Final = Sender(
    key="gar",
    title="Google Artifact Registry",
    proofs=(ADDRESS,),
    read=read,
    steps=(
        Step("In the registry's project; where the topic gcr is there already, that is fine:", _GCLOUD),
        Step("The address holds the secret: treat it as one. It must be reachable from Google by https."),
    ),
    sample=Sample(
        {"content-type": "application/json"},
        '{"message": {"messageId": "7700001", "publishTime": "2026-01-02T03:04:05Z", "data": "'
        + base64.b64encode(_MESSAGE).decode()
        + '"}, "subscription": "projects/acme/subscriptions/plimsoll"}',
    ),
    exact_host=True,
    note="Plimsoll knows the subscription by the secret in the address and does not check Google's signed token.",
)
