"""One delivery: what came, how it was read, and what it led to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compliance.models import InboundEvent, Push, WebhookEndpoint
from compliance.queries.config_text import ConfigText, lay_out
from compliance.queries.paging import Paging, page_of
from compliance.queries.webhook_log import PRODUCTS, Delivery, PushLine, deliveries_of, push_lines
from compliance.queries.webhook_setup import proof_words
from compliance.webhooks.proof import MASKED
from compliance.webhooks.senders import SENDERS
from scanner.domain.printable import printable

_MOST_REPLAYS: Final = 20


@dataclass(frozen=True, slots=True)
class Header:
    """One header; ``masked``: its value was not kept."""

    name: str
    value: str
    masked: bool


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """The page.

    :param proofs: what its product proves itself by, in words.
    :param kept: bytes of the body that were stored, of ``size``.
    :param obstacle: why it cannot be done again, or nothing.
    """

    row: Delivery
    remote_address: str
    content_type: str
    headers: tuple[Header, ...]
    proofs: tuple[str, ...]
    body: ConfigText
    size: int
    kept: int
    pushes: tuple[PushLine, ...]
    paging: Paging
    replays: tuple[int, ...]
    obstacle: str


def delivery_page(event_id: int, page: str) -> DeliveryPage | None:
    """One delivery, or ``None`` when it is not there, or no longer."""
    event = InboundEvent.objects.filter(pk=event_id).first()
    if event is None:
        return None
    row = deliveries_of(InboundEvent.objects.filter(pk=event_id))[0]
    body, sender = bytes(event.body), SENDERS.get(event.product)
    paging = page_of(page, row.pushes_total)
    pushes = Push.objects.filter(event=event_id).order_by("pk").values_list("pk", flat=True)
    lines = push_lines(pushes[paging.offset : paging.offset + paging.size])
    return DeliveryPage(
        row=row,
        remote_address=event.remote_address or "",
        content_type=event.content_type,
        headers=tuple(Header(str(name), str(value), value == MASKED) for name, value in sorted(event.headers.items())),
        proofs=tuple(proof_words(proof) for proof in sender.proofs) if sender else (),
        body=_text(body),
        size=event.body_size,
        kept=len(body),
        pushes=tuple(lines[pk] for pk in sorted(lines)),
        paging=paging,
        replays=tuple(event.replays.order_by("-pk").values_list("pk", flat=True)[:_MOST_REPLAYS]),
        obstacle=_obstacle(event, len(body)),
    )


def _text(body: bytes) -> ConfigText:
    text = body.decode("utf-8", "backslashreplace")
    if text.lstrip()[:1] in ("{", "["):
        return lay_out(text)
    return ConfigText(printable(text, keep_lines=True), is_cut=False)


def _obstacle(event: InboundEvent, kept: int) -> str:
    if kept != event.body_size:
        return f"It cannot be done again: only {kept:,} of its {event.body_size:,} bytes were kept."
    if event.product not in PRODUCTS:
        return "It cannot be done again: this release does not know what sent it."
    if not WebhookEndpoint.objects.filter(registry=event.registry_id).exists():
        return "It cannot be done again: its registry has no endpoint any more."
    return ""
