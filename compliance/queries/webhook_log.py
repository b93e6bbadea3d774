"""Deliveries: what registries sent, newest first, and what became of each.

There may be millions, and new ones come at any time, so pages begin after an event's number and not at a row's. What
no index can find (an outcome, a name) is looked for among as many events as can be read quickly; whoever wants to see
further back goes on from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When, Window
from django.db.models.functions import Concat, RowNumber

from compliance.models import InboundEvent, Push, Registry, Tag, WebhookEndpoint
from compliance.queries.filters import Chip, choice_of, text_of, without
from compliance.webhooks.senders import SENDERS

OUTCOMES: Final = {str(outcome): str(outcome.label) for outcome in InboundEvent.Outcome}
PERIODS: Final = {"hour": "The last hour", "day": "The last 24 hours", "week": "The last 7 days"}
PRODUCTS: Final = {key: sender.title for key, sender in SENDERS.items()}
SIZE: Final = 50
LOOKED_THROUGH: Final = 20_000
"""Events that one page looks through at most."""

_MOST_COUNTED: Final = 10_000
_SHOWN_PUSHES: Final = 3
_MOST_ENDPOINTS: Final = 10
_SPANS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PushLine:
    """One tag that a delivery announced. ``known``: its page exists."""

    id: int
    registry_slug: str
    repository: str
    tag: str
    digest: str
    kind: str
    state: str
    state_label: str
    known: bool
    scan: int | None
    scan_state: str
    scan_state_label: str
    pusher: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One authenticated request, with its first pushes; ``pushes_total`` counts all of them."""

    id: int
    received_at: datetime
    registry_slug: str
    registry: str
    product: str
    outcome: str
    outcome_label: str
    reason: str
    milliseconds: float
    replay_of: int | None
    is_test: bool
    pushes: tuple[PushLine, ...]
    pushes_total: int

    @property
    def more(self) -> int:
        """Pushes that are not among the first."""
        return self.pushes_total - len(self.pushes)

    @property
    def was_sent(self) -> bool:
        """Whether a registry sent it and got an answer: replays and tests begin here."""
        return not self.is_test and self.replay_of is None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of the log on this page.

    :param count: deliveries that match, from here on back, as far as was counted or looked.
    :param newer: the number to go on after, towards now; ``None`` at the newest.
    :param older: the number to go on before.
    :param looked_until: when the oldest event came that was looked at, where older ones were not.
    """

    count: int
    capped: bool
    newer: int | None
    older: int | None
    looked_until: datetime | None


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """How one endpoint is doing."""

    registry_slug: str
    registry: str
    product: str
    enabled: bool
    last_event_at: datetime | None
    rejected: int
    rejected_at: datetime | None
    rejected_reason: str
    unannounced: int
    unannounced_since: datetime | None


@dataclass(frozen=True, slots=True)
class Log:
    """The page."""

    rows: tuple[Delivery, ...]
    stretch: Stretch
    chosen: Mapping[str, str]
    chips: tuple[Chip, ...]
    registries: tuple[tuple[str, str], ...]
    endpoints: tuple[EndpointRow, ...]
    endpoints_total: int
    outcomes: tuple[tuple[str, str], ...] = tuple(OUTCOMES.items())
    periods: tuple[tuple[str, str], ...] = tuple(PERIODS.items())
    products: tuple[tuple[str, str], ...] = tuple(PRODUCTS.items())


def webhook_log(params: Mapping[str, str], *, now: datetime) -> Log:
    """One stretch of the deliveries that match the address, newest first."""
    found = list(Registry.objects.order_by("name").values_list("slug", "name", "pk"))
    registries = tuple((slug, name) for slug, name, _ in found)
    chosen = {
        "registry": choice_of(params, "registry", dict(registries)),
        "outcome": choice_of(params, "outcome", OUTCOMES),
        "product": choice_of(params, "product", PRODUCTS),
        "period": choice_of(params, "period", PERIODS),
        "scan": _number(params, "scan"),
        "q": text_of(params, "q"),
    }
    home = _home(chosen, {slug: pk for slug, _, pk in found})
    ids, stretch = _stretch(home, chosen, params, now)
    events = InboundEvent.objects.filter(pk__in=ids).order_by("-pk")
    endpoints = _endpoints()
    return Log(
        rows=deliveries_of(events, first=chosen["q"]) if ids else (),
        stretch=stretch,
        chosen=chosen,
        chips=_chips(params, chosen, dict(registries)),
        registries=registries,
        endpoints=tuple(_endpoint_row(row) for row in endpoints[:_MOST_ENDPOINTS]),
        endpoints_total=len(endpoints),
    )


def deliveries_of(events: QuerySet[InboundEvent], *, first: str = "") -> tuple[Delivery, ...]:
    """Events as rows, in their order; their bodies and headers stay in the database.

    :param first: pushes of names that hold this text come before others of the same delivery.
    """
    found = list(events.select_related("registry").defer("body", "headers"))
    counts, lines = _first_pushes([event.pk for event in found], first)
    return tuple(_delivery(event, lines.get(event.pk, ()), counts.get(event.pk, 0)) for event in found)


def push_lines(ids: Iterable[int]) -> dict[int, PushLine]:
    """Pushes by number, with what is known of their tags and scans."""
    tags = Tag.objects.listed().filter(
        repository__registry=OuterRef("registry"), repository__name=OuterRef("repository"), name=OuterRef("tag")
    )
    pushes = Push.objects.filter(pk__in=list(ids)).select_related("scan", "registry").annotate(known=Exists(tags))
    return {push.pk: _line(push) for push in pushes}


def _home(chosen: Mapping[str, str], registries: Mapping[str, int]) -> QuerySet[InboundEvent]:
    """What indexes find; by number, because through its name a quiet registry is looked for among all events."""
    events = InboundEvent.objects.order_by()
    if chosen["registry"]:
        events = events.filter(registry=registries[chosen["registry"]])
    if chosen["scan"]:
        events = events.filter(pk__in=Push.objects.filter(scan=int(chosen["scan"])).order_by().values("event"))
    return events


def _stretch(
    home: QuerySet[InboundEvent], chosen: Mapping[str, str], params: Mapping[str, str], now: datetime
) -> tuple[list[int], Stretch]:
    """The numbers on this page, newest first, and where the pages beside it begin."""
    before, after = _number(params, "before"), _number(params, "after")
    if after and not before:
        upwards = _matching(home.filter(pk__gt=after), chosen, now, upwards=True)[0]
        ids = list(upwards.order_by("pk").values_list("pk", flat=True)[: SIZE + 1])
        if len(ids) > SIZE:
            ids = ids[:SIZE][::-1]
            return ids, Stretch(len(ids), True, ids[0], ids[-1], None)
        before = ""  # the newest page is nearer than a whole one
    start = home.filter(pk__lt=before) if before else home
    matching, edge = _matching(start, chosen, now)
    ids = list(matching.order_by("-pk").values_list("pk", flat=True)[: _MOST_COUNTED + 1])
    capped, more = len(ids) > _MOST_COUNTED, len(ids) > SIZE
    older = ids[SIZE - 1] if more else edge[0] if edge else None
    newest = (ids[0] if ids else int(before) - 1) if before else None
    looked = edge[1] if edge and not more else None
    return ids[:SIZE], Stretch(min(len(ids), _MOST_COUNTED), capped or edge is not None, newest, older, looked)


_Edge = tuple[int, datetime]


def _matching(
    events: QuerySet[InboundEvent], chosen: Mapping[str, str], now: datetime, *, upwards: bool = False
) -> tuple[QuerySet[InboundEvent], _Edge | None]:
    """What fits the filters that no index serves, and how far was looked where that was not to the end."""
    wanted = _wanted(chosen, now)
    if not wanted:
        return events, None
    order = "pk" if upwards else "-pk"
    edges = events.order_by(order).values_list("pk", "received_at")
    edge: _Edge | None = edges[LOOKED_THROUGH : LOOKED_THROUGH + 1].first()
    if edge is None:
        return events.filter(wanted), None
    within = Q(pk__lt=edge[0]) if upwards else Q(pk__gt=edge[0])
    span = _SPANS.get(chosen["period"])
    is_over = not upwards and span is not None and edge[1] < now - span
    return events.filter(within & wanted), None if is_over else (edge[0] + 1, edge[1])


def _wanted(chosen: Mapping[str, str], now: datetime) -> Q:
    wanted = Q()
    if chosen["outcome"]:
        wanted &= Q(outcome=chosen["outcome"])
    if chosen["product"]:
        wanted &= Q(product=chosen["product"])
    if chosen["period"]:
        wanted &= Q(received_at__gte=now - _SPANS[chosen["period"]])
    if chosen["q"]:
        pushes = Push.objects.filter(event=OuterRef("pk")).alias(name=_NAME)
        wanted &= Q(Exists(pushes.filter(name__icontains=chosen["q"])))
    return wanted


_NAME: Final = Concat("repository", Value(":"), "tag")


def _first_pushes(ids: list[int], first: str) -> tuple[dict[int, int], dict[int, tuple[PushLine, ...]]]:
    """How many pushes each event has, and its first ones."""
    if not ids:
        return {}, {}
    fits = Case(When(name__icontains=first, then=Value(0)), default=Value(1), output_field=IntegerField())
    pushes = Push.objects.filter(event__in=ids).alias(name=_NAME)
    places = pushes.annotate(
        place=Window(RowNumber(), partition_by=F("event"), order_by=[fits, "pk"] if first else "pk"),
        beside=Window(Count("pk"), partition_by=F("event")),
    )
    shown_places = places.filter(place__lte=_SHOWN_PUSHES).order_by("event", "place")
    found = list(shown_places.values_list("event_id", "pk", "beside"))
    lines = push_lines(pk for _, pk, _ in found) if found else {}
    shown: dict[int, tuple[PushLine, ...]] = {}
    for event, pk, _ in found:
        shown[event] = (*shown.get(event, ()), *([lines[pk]] if pk in lines else []))
    return {event: beside for event, _, beside in found}, shown


def _delivery(event: InboundEvent, pushes: tuple[PushLine, ...], total: int) -> Delivery:
    return Delivery(
        id=event.pk,
        received_at=event.received_at,
        registry_slug=event.registry.slug,
        registry=event.registry.name,
        product=PRODUCTS.get(event.product, event.product),
        outcome=event.outcome,
        outcome_label=event.get_outcome_display(),
        reason=event.reason,
        milliseconds=event.milliseconds,
        replay_of=event.replay_of_id,
        is_test=event.reason.startswith("Test: "),
        pushes=pushes,
        pushes_total=total,
    )


def _line(push: Push) -> PushLine:
    return PushLine(
        id=push.pk,
        registry_slug=push.registry.slug,
        repository=push.repository,
        tag=push.tag,
        digest=push.digest,
        kind=push.get_kind_display(),
        state=push.state,
        state_label=push.get_state_display(),
        known=bool(push.known),  # type: ignore[attr-defined]  # annotated
        scan=push.scan_id,
        scan_state=push.scan.state if push.scan else "",
        scan_state_label=push.scan.get_state_display() if push.scan else "",
        pusher=push.pusher,
    )


def _endpoints() -> list[WebhookEndpoint]:
    """Those in trouble first."""
    rows = WebhookEndpoint.objects.select_related("registry").defer("secret", "previous_secret")
    return sorted(rows, key=lambda row: (not row.unannounced, not row.rejected, row.enabled, row.registry.name))


def _endpoint_row(row: WebhookEndpoint) -> EndpointRow:
    return EndpointRow(
        registry_slug=row.registry.slug,
        registry=row.registry.name,
        product=PRODUCTS.get(row.product, row.product),
        enabled=row.enabled,
        last_event_at=row.last_event_at,
        rejected=row.rejected,
        rejected_at=row.rejected_at,
        rejected_reason=row.rejected_reason,
        unannounced=row.unannounced,
        unannounced_since=row.unannounced_since,
    )


def _number(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "")
    return value if _NUMBER.fullmatch(value) else ""


def _chips(params: Mapping[str, str], chosen: Mapping[str, str], registries: Mapping[str, str]) -> tuple[Chip, ...]:
    words = {
        "q": f"name holds “{chosen['q']}”",
        "registry": f"registry {registries.get(chosen['registry'], '')}",
        "outcome": f"outcome {OUTCOMES.get(chosen['outcome'], '')}",
        "product": f"sent by {PRODUCTS.get(chosen['product'], '')}",
        "period": PERIODS.get(chosen["period"], "").lower(),
        "scan": f"answered by scan #{chosen['scan']}",
    }
    return tuple(Chip(label, without(params, name, "before", "after")) for name, label in words.items() if chosen[name])
