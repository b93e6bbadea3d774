"""Close the snapshots of days that are over, and carry every listed repository through days without a scan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from compliance.models import DailySnapshot

_LOCK = 7_021_001
_GRACE = timedelta(minutes=1)  # for a batch that looked at the clock just before midnight

_COLUMNS = "policy_version_id, evaluated, passed, failed, unknown, not_applicable, score"
_CARRIED = ", ".join(f"last.{name}" for name in _COLUMNS.split(", "))

# From the last day on record to yesterday, for repositories nobody scanned since.
_TO_YESTERDAY = f"""
INSERT INTO compliance_dailysnapshot (repository_id, day, {_COLUMNS}, new, fixed, closed)
SELECT r.id, missing::date, {_CARRIED}, 0, 0, true
FROM compliance_repository r
CROSS JOIN LATERAL (
    SELECT * FROM compliance_dailysnapshot s WHERE s.repository_id = r.id AND s.day < %(today)s
    ORDER BY s.day DESC LIMIT 1
) last
CROSS JOIN LATERAL generate_series(last.day + 1, %(today)s::date - 1, interval '1 day') missing
WHERE r.deleted_at IS NULL
ON CONFLICT (repository_id, day) DO NOTHING
"""  # noqa: S608  # made of the constants above

# Between two days on record, where scans ran but nobody closed the days between.
_BEFORE_OPEN_DAYS = f"""
INSERT INTO compliance_dailysnapshot (repository_id, day, {_COLUMNS}, new, fixed, closed)
SELECT later.repository_id, missing::date, {_CARRIED}, 0, 0, true
FROM compliance_dailysnapshot later
CROSS JOIN LATERAL (
    SELECT * FROM compliance_dailysnapshot s WHERE s.repository_id = later.repository_id AND s.day < later.day
    ORDER BY s.day DESC LIMIT 1
) last
CROSS JOIN LATERAL generate_series(last.day + 1, later.day - 1, interval '1 day') missing
WHERE NOT later.closed AND later.day <= %(today)s
ON CONFLICT (repository_id, day) DO NOTHING
"""  # noqa: S608  # made of the constants above


def close_days(now: datetime) -> int:
    """Close every day before today (UTC); return how many rows there were to close. Two at once are harmless."""
    today = (now - _GRACE).astimezone(UTC).date()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            return 0  # somebody else is closing them
        cursor.execute(_BEFORE_OPEN_DAYS, {"today": today})
        cursor.execute(_TO_YESTERDAY, {"today": today})
        return DailySnapshot.objects.filter(closed=False, day__lt=today).update(closed=True)
