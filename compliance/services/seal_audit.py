"""Add the rows of the audit trail that are not sealed yet to its chain."""

from __future__ import annotations

import base64
import hashlib
import logging
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection, transaction

from compliance.models import AuditCheck, AuditEvent
from compliance.policy.audit_chain import Seal, seal_rows

logger = logging.getLogger(__name__)

BATCH: Final = 5_000
_MOST_BATCHES: Final = 20
"""At one time: the tick has other things to do."""
_LOCK: Final = 0x70_6C_69_6D
"""An advisory lock: rows get their numbers one after another."""

CONTENT: Final = """
jsonb_build_array(id, extract(epoch FROM at), action, actor, actor_name, kind, object, name, data, context, source,
                  source_row)::text
"""
"""A row in one way of writing: jsonb orders its keys, and moments are seconds, whatever the connection's time zone."""

_HEAD: Final = (
    "SELECT number, link, mac, key FROM compliance_auditevent WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"
)
_WAITING: Final = "SELECT id, {content} FROM compliance_auditevent WHERE number IS NULL ORDER BY id LIMIT %s"
_SEAL: Final = """
UPDATE compliance_auditevent AS row SET number = new.number, link = new.link, mac = new.mac, key = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[]) AS new (id, number, link, mac)
WHERE row.id = new.id
"""


def audit_secrets() -> dict[str, bytes]:
    """Keys of the chain by their names, that for sealing first: made from the credential keys, and stored nowhere."""
    return {hashlib.sha256(secret).hexdigest()[:16]: secret for secret in map(_derived, settings.CREDENTIAL_KEYS)}


def _derived(credential_key: str) -> bytes:
    material = base64.urlsafe_b64decode(credential_key)
    return HKDF(SHA256(), length=32, salt=None, info=b"plimsoll audit chain").derive(material)


def seal_audit(now: datetime) -> list[str]:
    """Seal what waits, in the order of its ids, and once a day write an anchor to the log: the new one, if there is.

    A row whose transaction ends later than that of a higher id is sealed later: numbers have no gaps, ids may.
    """
    for _ in range(_MOST_BATCHES):
        if _seal_batch() < BATCH:
            break
    return _anchor(now)


def _seal_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_WAITING.format(content=CONTENT), [BATCH])
        rows = cursor.fetchall()
        if not rows:
            return 0
        key, secret = next(iter(audit_secrets().items()))
        seals = list(seal_rows(_head(), (content.encode() for _, content in rows), key, secret))
        ids = [row_id for row_id, _ in rows]
        columns = [list(each) for each in zip(*((s.number, s.link, s.mac) for s in seals), strict=True)]
        cursor.execute(_SEAL, [key, ids, *columns])
        return len(rows)


def _head() -> Seal | None:
    with connection.cursor() as cursor:
        cursor.execute(_HEAD)
        row = cursor.fetchone()
    return Seal(row[0], bytes(row[1]), bytes(row[2]), row[3]) if row else None


def _anchor(now: datetime) -> list[str]:
    today = now.astimezone(UTC).date()
    head = _head()
    if head is None:
        return []
    AuditCheck.objects.get_or_create(pk=1)
    anchor = f"{head.number}:{head.link.hex()}"
    due = AuditCheck.objects.filter(pk=1).exclude(anchored_on__gte=today)
    if not due.update(anchored_on=today, anchor=anchor):
        return []
    logger.info("audit anchor %s", anchor)
    return [anchor]


def events_waiting() -> int:
    """How many rows are not sealed yet."""
    return AuditEvent.objects.filter(number=None).count()
