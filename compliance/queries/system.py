"""What the site runs on: versions, the database with its largest tables and migrations, the last tick."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import metadata
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

import compliance
from compliance.models.shared_value import TICKED
from compliance.queries.services_used import Keys, Service, credential_keys, services_used
from compliance.queries.shipped import Library, htmx, libraries

_TABLES: Final = 10
_LIBRARIES: Final = ("Django", "celery", "django-allauth", "psycopg", "redis", "gunicorn")
"""Whose versions a fault is reported with; all others stand with their licences."""

_FACTS: Final = """
SELECT current_setting('server_version'), pg_postmaster_start_time(), pg_database_size(current_database()),
       (SELECT value FROM compliance_sharedvalue WHERE key = %s)
"""
_LARGEST: Final = """
SELECT c.relname, pg_total_relation_size(c.oid) AS bytes, nullif(c.reltuples, -1)::bigint,
       greatest(s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze)
FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND pg_table_is_visible(c.oid) ORDER BY bytes DESC, c.relname LIMIT %s
"""

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """A part and which release of it answers here."""

    part: str
    number: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its indexes.

    :param rows: as Postgres estimated them at ``counted_at``; ``None`` before it ever did.
    """

    name: str
    bytes: int
    rows: int | None
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Migrations:
    """Which changes of the tables were made.

    :param missing: of this release, not made yet; ``foreign``: made by a release that this one does not know.
    """

    newest: str
    applied_at: datetime | None
    missing: tuple[str, ...]
    foreign: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failing:
    """A step of the tick that has failed each time since a moment."""

    step: str
    since: datetime


@dataclass(frozen=True, slots=True)
class SystemPage:
    """All that is known without asking the queue.

    :param ticked_at: when a worker last did what beat asks for; ``None`` if never.
    :param failing: what it could not do then, first what fails for longest.
    """

    versions: tuple[Version, ...]
    services: tuple[Service, ...]
    keys: Keys
    postgres_since: datetime
    bytes: int
    tables: tuple[Table, ...]
    migrations: Migrations
    ticked_at: datetime | None
    is_late: bool
    failing: tuple[Failing, ...]
    libraries: tuple[Library, ...]


def system_page(now: datetime) -> SystemPage:
    """Ask the database; three queries, and one for each kind of stored secret while there are several keys."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [TICKED])
        postgres, since, size, ticked = cursor.fetchone()
        cursor.execute(_LARGEST, [_TABLES])
        tables = tuple(Table(*row) for row in cursor.fetchall())
    said = json.loads(ticked or "{}")
    ticked_at = datetime.fromisoformat(said["at"]) if said else None
    failing = (Failing(step, datetime.fromisoformat(since)) for step, since in said.get("failing", {}).items())
    return SystemPage(
        versions=(*_versions(), Version("PostgreSQL", postgres)),
        services=services_used(),
        keys=credential_keys(),
        postgres_since=since,
        bytes=size,
        tables=tables,
        migrations=migrations(),
        ticked_at=ticked_at,
        is_late=ticked_at is None or (now - ticked_at).total_seconds() > settings.TICK_LATE_SECONDS,
        failing=tuple(sorted(failing, key=lambda each: each.since)),
        libraries=libraries(),
    )


def migrations() -> Migrations:
    """Compare what this release brings with what was made."""
    rows = MigrationRecorder(connection).migration_qs.order_by("applied", "id").values_list("app", "name", "applied")
    applied = {(app, name): at for app, name, at in rows}
    known = _on_disk()
    ours = [key for key in applied if key[0] == "compliance"]
    newest = ours[-1] if ours else None
    missing = (key for key, replaced in known.items() if key not in applied and not _all_in(replaced, applied))
    apps = {app for app, _ in known}
    foreign = (key for key in applied if key[0] in apps and key not in known)
    return Migrations(
        newest[1] if newest else "", applied[newest] if newest else None, _named(missing), _named(foreign)
    )


def _all_in(replaced: tuple[Name, ...], applied: Mapping[Name, datetime]) -> bool:
    return bool(replaced) and all(each in applied for each in replaced)


def _named(keys: Iterable[Name]) -> tuple[str, ...]:
    return tuple(f"{app}.{name}" for app, name in sorted(keys))


@cache
def _on_disk() -> Mapping[Name, tuple[Name, ...]]:
    """The migrations of all installed apps, with what each replaces; a process's code does not change."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    found = loader.disk_migrations or {}
    return {key: tuple((app, name) for app, name in migration.replaces) for key, migration in found.items()}


@cache
def _versions() -> tuple[Version, ...]:
    first = (Version("Plimsoll", compliance.__version__), Version("Python", platform.python_version()))
    return (*first, *(Version(name, metadata.version(name)) for name in _LIBRARIES), Version("htmx", htmx().version))
