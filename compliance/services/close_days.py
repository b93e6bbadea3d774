"""Close the snapshots of days that are over, and carry every listed repository through days without a scan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from compliance.models import DailySnapshot
from compliance.remediation.status import TO_DO

_LOCK = 7_021_001
_GRACE = timedelta(minutes=1)  # for a batch that looked at the clock just before midnight

# Closed days are added up by rows that refer to registries. Whoever deletes one holds it, and then deletes its days.
_HOLD = "SELECT FROM compliance_registry ORDER BY id FOR KEY SHARE"

_COLUMNS = "policy_version_id, evaluated, passed, failed, unknown, waived, not_applicable, score"
_CARRIED = ", ".join(f"last.{name}" for name in _COLUMNS.split(", "))

# Findings past their due date at the end of a day, by what is known of them now.
_OVERDUE = """
(SELECT count(*) FROM compliance_findingspan e JOIN compliance_finding f ON f.id = e.finding_id
 WHERE e.repository_id = {repository} AND e.opened_at < {end} AND e.due_at < {end}
    AND (e.closed_at >= {end} OR e.closed_at IS NULL AND f.status = ANY(%(to_do)s)))
"""
_END = "({day}::date + 1)::timestamp AT TIME ZONE 'UTC'"
_OVERDUE_THEN = _OVERDUE.format(repository="{repository}", end=_END.format(day="missing"))
_SETTLE = f"""
UPDATE compliance_dailysnapshot s
SET overdue = {_OVERDUE.format(repository="s.repository_id", end=_END.format(day="s.day"))}
WHERE NOT s.closed AND s.day < %(today)s
"""  # noqa: S608  # made of the constants above

# From the last day on record to yesterday, for repositories nobody scanned since: what an older release did not count
# is what they count now.
_TO_YESTERDAY = f"""
INSERT INTO compliance_dailysnapshot
    (repository_id, day, {_COLUMNS}, overdue, failed_protected, new, fixed, regressed, closed)
SELECT r.id, missing::date, {_CARRIED}, {_OVERDUE_THEN.format(repository="r.id")},
    COALESCE(last.failed_protected, r.failed_protected), 0, 0, 0, true
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
INSERT INTO compliance_dailysnapshot
    (repository_id, day, {_COLUMNS}, overdue, failed_protected, new, fixed, regressed, closed)
SELECT later.repository_id, missing::date, {_CARRIED},
    {_OVERDUE_THEN.format(repository="later.repository_id")}, last.failed_protected, 0, 0, 0, true
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
        values: dict[str, Any] = {"today": today, "to_do": sorted(status.value for status in TO_DO)}
        for statement in (_HOLD, _BEFORE_OPEN_DAYS, _TO_YESTERDAY, _SETTLE):
            cursor.execute(statement, values)
        return DailySnapshot.objects.filter(closed=False, day__lt=today).update(closed=True)
