"""A cache in Postgres, for what all web processes must count together: guesses at passwords.

Redis may be flushed or away at any time, and then nobody could log in or everybody could guess. Django's own database
cache unpickles what it finds and forgets a third of all keys when there are many, which somebody who guesses at many
accounts could use to have the counters of all others forgotten. This one keeps JSON and forgets only what has expired.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

from compliance.models import SharedValue

_SET = """
INSERT INTO compliance_sharedvalue AS known (key, value, expires_at)
VALUES (%s, %s::jsonb, statement_timestamp() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at
"""
_ADD = f"{_SET} WHERE known.expires_at <= statement_timestamp()"
_GET = """
SELECT value FROM compliance_sharedvalue
WHERE key = %s AND (expires_at > statement_timestamp() OR expires_at IS NULL)
"""
_DELETE = "DELETE FROM compliance_sharedvalue WHERE key = %s"
_FORGET = "DELETE FROM compliance_sharedvalue WHERE expires_at <= statement_timestamp()"


class SharedCache(BaseCache):
    """JSON values by key, each until it expires."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Store what is not there; whether it was not."""
        return self._run(_ADD, *self._row(key, value, timeout, version)) == 1

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Store."""
        self._run(_SET, *self._row(key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """What is stored, or the default."""
        with connection.cursor() as cursor:
            cursor.execute(_GET, [self.make_and_validate_key(key, version=version)])
            row = cursor.fetchone()
        # Raw columns of jsonb come as text: Django decodes them in its fields.
        return default if row is None else json.loads(row[0])

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep it longer; whether it was there."""
        value = self.get(key, self, version)
        if value is self:
            return False
        self.set(key, value, timeout, version)
        return True

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Forget; whether it was there."""
        return self._run(_DELETE, self.make_and_validate_key(key, version=version)) == 1

    def clear(self) -> None:
        """Forget everything."""
        SharedValue.objects.all().delete()

    def _row(self, key: Any, value: Any, timeout: Any, version: int | None) -> tuple[str, str, float | None]:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return self.make_and_validate_key(key, version=version), json.dumps(value), seconds

    def _run(self, statement: str, *values: str | float | None) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return int(cursor.rowcount)


def forget_expired() -> int:
    """Remove what nobody can read any more; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        return int(cursor.rowcount)
