"""Requests as registries send them, to the endpoints of tests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.test import Client

from compliance.models import InboundEvent, Push, Registry, WebhookEndpoint
from compliance.services.webhook_endpoints import make_endpoint
from compliance.webhooks.proof import sign
from compliance.webhooks.senders import SENDERS
from tests.support.rows import NOW

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64
_IDS = itertools.count(1)


def pushed(tag: str = "1.4", digest: str = A, *, repository: str = "team/shop", event: str = "", **more: Any) -> bytes:
    """Distribution's envelope with one event, of an id of its own unless told."""
    target = {"repository": repository, "tag": tag, "digest": digest, **more.pop("target", {})}
    found = {"id": event or f"event-{next(_IDS)}", "action": "push", "target": target, **more}
    return json.dumps({"events": [found]}).encode()


@dataclass(slots=True)
class Hook:
    """An endpoint and a sender that knows its secret."""

    registry: Registry
    product: str = "distribution"
    client: Client = field(default_factory=Client)
    endpoint: WebhookEndpoint = field(init=False)
    secret: str = field(init=False)

    def __post_init__(self) -> None:
        made = make_endpoint(self.registry, self.product, now=NOW)
        self.endpoint, self.secret = made.endpoint, made.secret

    @property
    def path(self) -> str:
        """Without the secret."""
        return f"/hooks/{self.endpoint.key}/"

    def send(
        self, body: bytes, headers: Mapping[str, str] | None = None, *, path: str = "", proven: bool = True
    ) -> _MonkeyPatchedWSGIResponse:
        """Post a body, proven as the product does.

        :param headers: ``content-type`` among them, unless it is JSON.
        """
        sender = SENDERS[self.product]
        found = {"content-type": "application/json", **(headers or {})}
        proof = sign(sender.proofs[0], self.secret, body) if proven else {}
        target = path or (f"{self.path}{self.secret}/" if sender.secret_in_address and proven else self.path)
        kind = found.pop("content-type")
        return self.client.post(target, body, content_type=kind, headers={**proof, **found})

    def states(self) -> list[str]:
        """Of the pushes, in order."""
        return list(Push.objects.filter(registry=self.registry).order_by("pk").values_list("state", flat=True))

    def event(self) -> InboundEvent:
        """The latest one."""
        found = InboundEvent.objects.filter(registry=self.registry).first()
        assert found is not None
        return found


def delivered(home: Registry, *tags: str, **columns: Any) -> InboundEvent:
    """A stored delivery of pushes of ``team/app-0000``, without a request.

    :param columns: of the event; ``scan`` and ``state`` are of its pushes.
    """
    of_pushes = {name: columns.pop(name) for name in ("scan", "state", "repository") if name in columns}
    values = {"product": "distribution", "received_at": NOW, "outcome": "accepted", "milliseconds": 3.25}
    body = columns.pop("body", b"{}")
    event = InboundEvent.objects.create(registry=home, **{**values, "body": body, "body_size": len(body), **columns})
    common = {"event": event, "registry": home, "received_at": event.received_at, "digest": A}
    named = {"repository": "team/app-0000", **of_pushes}
    Push.objects.bulk_create(Push(tag=tag, **common, **named) for tag in tags)
    return event
