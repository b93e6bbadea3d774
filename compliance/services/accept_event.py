"""Store an authenticated request and what it asks for. Whatever it says, it is stored before it is answered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from compliance.models import InboundEvent, Push, Registry, Tag, WebhookEndpoint
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.weigh_hints import weigh_hints
from compliance.webhooks.hint import Hint, Reading
from compliance.webhooks.proof import MASKED, Request, header_names
from compliance.webhooks.sender import Home
from compliance.webhooks.senders import SENDERS, read_request
from scanner.domain.printable import printable

KEPT_BYTES: Final = 64 * 1024
"""Of a body; what is longer is read whole, kept in part, and cannot be replayed."""

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_MOST_HEADERS = 50
_LONGEST_HEADER = 500
_MOST_TAGS = 1_000
_NOTED_EVERY = timedelta(seconds=10)
_UNKNOWN_TAG: Final = "no tag that is known here points to the deleted digest"
_MORE_TAGS: Final = "more tags point to the deleted digest than are asked for at once; the next scan will tell"

Outcome = InboundEvent.Outcome


# One statement for both: a flood spends more on statements than on anything else.
_STORE: Final = """
WITH event AS (
    INSERT INTO compliance_inboundevent (registry_id, product, received_at, outcome, reason, remote_address,
        content_type, headers, body, body_size, milliseconds, replay_of_id)
    VALUES (%(registry)s, %(product)s, %(at)s, %(outcome)s, %(reason)s, %(remote_address)s,
        %(content_type)s, %(headers)s::jsonb, %(body)s, %(body_size)s, %(milliseconds)s, %(replay_of)s)
    RETURNING id
), pushes AS (
    INSERT INTO compliance_push (event_id, registry_id, received_at, kind, state, event_key, repository, tag, digest,
        pusher)
    SELECT event.id, %(registry)s, %(at)s, push.kind, push.state, push.key, push.repository, push.tag, push.digest,
        push.pusher
    FROM event, unnest(%(kinds)s::text[], %(states)s::text[], %(keys)s::text[], %(repositories)s::text[],
        %(tags)s::text[], %(digests)s::text[], %(pushers)s::text[])
        WITH ORDINALITY AS push(kind, state, key, repository, tag, digest, pusher, place)
    ORDER BY push.place
)
SELECT id FROM event
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that proved itself.

    :param secrets: that must not be kept, wherever they stand.
    :param milliseconds: since it began to be read.
    :param replay_of: the event that is done again; what it says is then asked for, news or not.
    :param test: it is to be read and stored, and nothing more.
    """

    request: Request
    at: datetime
    milliseconds: Callable[[], float]
    secrets: tuple[str, ...] = field(default=(), repr=False)
    remote_address: str | None = None
    replay_of: int | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored request, and who is to be woken for it."""

    event_id: int
    outcome: str
    wake_ups: tuple[WakeUp, ...] = ()


def accept_event(endpoint: WebhookEndpoint, arrival: Arrival) -> Accepted:
    """Read a request, drop what is no news, and store it with its pushes in one transaction."""
    registry = endpoint.registry
    home = Home() if arrival.test else Home(registry.host, tuple(registry.namespaces))
    sender = SENDERS[endpoint.product]
    reading = read_request(sender, arrival.request.headers, arrival.request.body, home)
    if arrival.test or not registry.enabled:
        told = _tested(reading) if arrival.test else _Told(Outcome.IGNORED, "The registry is disabled.")
        return Accepted(_store(endpoint, arrival, told, []), told.outcome)
    _set_foreign_apart(reading, registry)
    with transaction.atomic():
        hints = list(_with_tags(registry.pk, reading))
        reasons = [""] * len(hints) if arrival.replay_of else weigh_hints(registry.pk, hints)
        told = _told(reading, reasons)
        event_id = _store(endpoint, arrival, told, list(zip(hints, reasons, strict=True)))
        news = not all(reasons)
        _note(endpoint, arrival.at, news)
    wake_ups = (WakeUp(Work.PUSHES, registry.pk),) if news else ()
    return Accepted(event_id, told.outcome, wake_ups)


@dataclass(frozen=True, slots=True)
class _Told:
    outcome: str
    reason: str


def _told(reading: Reading, reasons: Sequence[str]) -> _Told:
    """One outcome for the whole request: odd if any part is, news if any part is."""
    if reading.odd:
        kept = f"; {len(reasons)} pushes beside it were understood" if reasons else ""
        return _Told(Outcome.QUARANTINED, _listed(reading.odd) + kept)
    if not all(reasons):
        return _Told(Outcome.ACCEPTED, "")
    if reasons:
        return _Told(Outcome.DUPLICATE, _listed(reasons))
    return _Told(Outcome.IGNORED, _listed(reading.ignored) or "nothing is in it")


def _tested(reading: Reading) -> _Told:
    if reading.hints:
        read = ", ".join(f"{hint.repository}:{hint.tag or hint.digest}" for hint in reading.hints[:3])
        return _Told(Outcome.IGNORED, f"Test: it was read as a push of {read}")
    return _Told(Outcome.QUARANTINED, f"Test: {_listed(reading.odd or reading.ignored)}")


def _listed(reasons: Iterable[str]) -> str:
    counted = Counter(reasons)
    words = [f"{reason} ({count} times)" if count > 1 else reason for reason, count in counted.most_common(5)]
    more = [f"{len(counted) - 5} other reasons"] if len(counted) > 5 else []
    return "; ".join((*words, *more))


def _set_foreign_apart(reading: Reading, registry: Registry) -> None:
    """A hint that names another registry of ours is not about this one; other names may be its own by another way."""
    hosts = {hint.host for hint in reading.hints} - {"", registry.host.lower()}
    if not hosts:
        return
    addresses = [f"{scheme}://{host}" for host in hosts for scheme in ("https", "http")]
    others = Registry.objects.exclude(pk=registry.pk).filter(url__in=addresses)
    foreign = {row.host: row.name for row in others.only("url", "name")}
    reading.odd.extend(
        f"it is about {hint.host}, which is the registry {foreign[hint.host]}"
        for hint in reading.hints
        if hint.host in foreign
    )
    reading.hints = [hint for hint in reading.hints if hint.host not in foreign]


def _with_tags(registry_id: int, reading: Reading) -> Iterable[Hint]:
    """A deletion that names a digest is one of each tag we know to point to it, once for each in a request."""
    seen: set[tuple[str, str]] = set()
    left = _MOST_TAGS
    for hint in reading.hints:
        if hint.tag:
            yield hint
        elif (hint.repository, hint.digest) not in seen:
            seen.add((hint.repository, hint.digest))
            names = _pointing_to(registry_id, hint, left + 1)
            yield from (replace(hint, tag=name) for name in names[:left])
            if not names:
                reading.ignored.append(_UNKNOWN_TAG)
            if len(names) > left:
                reading.odd.append(_MORE_TAGS)
            left -= min(left, len(names))


def _pointing_to(registry_id: int, hint: Hint, most: int) -> list[str]:
    tags = Tag.objects.listed().filter(
        repository__registry=registry_id, repository__name=hint.repository, digest=hint.digest
    )
    return list(tags.order_by("name").values_list("name", flat=True)[:most])


def _store(endpoint: WebhookEndpoint, arrival: Arrival, told: _Told, weighed: Sequence[tuple[Hint, str]]) -> int:
    """Write the event and its pushes; those with a reason are duplicates. Returns the event's id."""
    body = arrival.request.body
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "registry": endpoint.registry_id,
                "product": endpoint.product,
                "at": arrival.at,
                "outcome": told.outcome,
                "reason": printable(told.reason, longest=500),
                "remote_address": arrival.remote_address,
                "content_type": printable(arrival.request.headers.get("content-type", ""), longest=200),
                "headers": json.dumps(_kept(endpoint.product, arrival)),
                "body": body[:KEPT_BYTES],
                "body_size": len(body),
                "milliseconds": arrival.milliseconds(),
                "replay_of": arrival.replay_of,
                "kinds": [hint.kind.value for hint, _ in weighed],
                "states": [Push.State.DUPLICATE if reason else Push.State.WAITING for _, reason in weighed],
                "keys": [hint.event_key for hint, _ in weighed],
                "repositories": [hint.repository for hint, _ in weighed],
                "tags": [hint.tag for hint, _ in weighed],
                "digests": [hint.digest for hint, _ in weighed],
                # What is done again says nothing of who pushed what is there now.
                "pushers": [None if arrival.replay_of else hint.pusher for hint, _ in weighed],
            },
        )
        (event_id,) = cursor.fetchone()
    return int(event_id)


def _kept(product: str, arrival: Arrival) -> dict[str, str]:
    """Headers without secrets: of those that carry one the name, and none that repeats one of ours."""
    masked = _SECRET_HEADERS | header_names(SENDERS[product].proofs)

    def kept(name: str, value: str) -> str:
        hidden = name in masked or any(secret in value for secret in arrival.secrets if secret)
        return MASKED if hidden else printable(value, longest=_LONGEST_HEADER)

    found = list(arrival.request.headers.items())[:_MOST_HEADERS]
    return {printable(name, longest=100): kept(name, value) for name, value in found}


def _note(endpoint: WebhookEndpoint, now: datetime, news: bool) -> None:
    """When the endpoint was last heard of, seldom enough that requests do not wait for each other's row."""
    last = endpoint.last_event_at
    again = news and endpoint.unannounced > 0
    if last is not None and now - last < _NOTED_EVERY and not again:
        return
    values = {"unannounced": 0, "unannounced_since": None} if again else {}
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(last_event_at=now, **values)
