"""Is a hint news? Compared with the pushes before it and with what is stored, in one statement.

A push is passed over only where nothing can be lost by it: the registry will be asked about the tag after now, or is
being asked for this very digest, or the tag shows this digest already and nobody is about to write another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from compliance.models import ACTIVE, Push
from compliance.webhooks.hint import Hint, Kind

_WAITS: Final = "the same push waits already"
_ASKED: Final = "the registry is being asked for this digest"
_SHOWN: Final = "the tag shows this digest already"
_GONE: Final = "the tag is gone already"
_KNOWN: Final = "this event came before"

_SQL: Final = """
SELECT hint.place, known.id IS NOT NULL, last.state, last.kind, last.digest, scan.state,
    tag.digest, tag.id IS NOT NULL AND tag.deleted_at IS NULL, tag.unconfirmed_since IS NULL AND tag.problem_code = '',
    EXISTS (
        SELECT FROM compliance_repositoryscan part
        WHERE part.repository_id = repository.id AND part.state IN ('queued', 'running')
        AND (part.only_tags IS NULL OR hint.tag = ANY(part.only_tags))
    )
FROM unnest(%(repositories)s::text[], %(tags)s::text[], %(keys)s::text[])
    WITH ORDINALITY AS hint(repository, tag, key, place)
LEFT JOIN LATERAL (
    SELECT id FROM compliance_push push
    WHERE registry_id = %(registry)s AND event_key = hint.key AND NOT (event_key = '')
    AND state IN ('waiting', 'joined')
    -- Written so that no index of the tag fits: a tag may have ten thousand pushes, an event has few.
    AND (push.repository, push.tag) IS NOT DISTINCT FROM (hint.repository, hint.tag)
    -- Senders can be told to send again what came to nothing.
    AND NOT EXISTS (
        SELECT FROM compliance_repositoryscan part JOIN compliance_repository asked ON asked.id = part.repository_id
        WHERE part.scan_id = push.scan_id AND asked.name = hint.repository AND part.state IN ('failed', 'cancelled')
    ) LIMIT 1
) known ON true
LEFT JOIN LATERAL (
    SELECT state, kind, digest, scan_id FROM compliance_push
    WHERE registry_id = %(registry)s AND repository = hint.repository AND tag = hint.tag
    AND state IN ('waiting', 'joined') ORDER BY id DESC LIMIT 1
) last ON true
LEFT JOIN compliance_scan scan ON scan.id = last.scan_id
LEFT JOIN compliance_repository repository
    ON repository.registry_id = %(registry)s AND repository.name = hint.repository
LEFT JOIN compliance_tag tag ON tag.repository_id = repository.id AND tag.name = hint.tag
ORDER BY hint.place
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of one hint's event and tag.

    :param last_state: of the latest push of the tag that was no duplicate; ``None``: there was none.
    :param asking: that push's scan has not ended.
    :param listed: the tag is there, as far as we know.
    :param settled: its digest is confirmed and could be read.
    :param busy: a scan that asks for it too may be about to write another.
    """

    event_known: bool = False
    last_state: str | None = None
    last_kind: str | None = None
    last_digest: str | None = None
    asking: bool = False
    tag_digest: str | None = None
    listed: bool = False
    settled: bool = False
    busy: bool = False


def weigh_hints(registry_id: int, hints: Sequence[Hint]) -> list[str]:
    """For each hint why it is no news; empty for those that are."""
    if not hints:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL,
            {
                "registry": registry_id,
                "repositories": [hint.repository for hint in hints],
                "tags": [hint.tag for hint in hints],
                "keys": [hint.event_key for hint in hints],
            },
        )
        rows = cursor.fetchall()
    return [
        no_news(hint, Stored(known, state, kind, digest, scan in ACTIVE, tag_digest, listed, bool(settled), busy))
        for hint, (_, known, state, kind, digest, scan, tag_digest, listed, settled, busy) in zip(
            hints, rows, strict=True
        )
    ]


def no_news(hint: Hint, stored: Stored) -> str:
    """Why a hint is no news, or nothing."""
    if stored.event_known:
        return _KNOWN
    same = (stored.last_kind, stored.last_digest) == (hint.kind.value, hint.digest)
    if stored.last_state == Push.State.WAITING:
        return _WAITS if same else ""
    if stored.asking:
        return _ASKED if same and hint.digest else ""
    if hint.kind is Kind.DELETED:
        return "" if stored.listed or stored.busy else _GONE
    certain = stored.listed and stored.settled and not stored.busy
    return _SHOWN if certain and hint.digest and stored.tag_digest == hint.digest else ""
