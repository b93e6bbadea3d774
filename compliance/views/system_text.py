"""The system in a few lines of text, for who helps from afar: no name of a host, no address, no secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from compliance.queries.system import Migrations, SystemPage
from compliance.tasks.ask_workers import Queue


def system_text(page: SystemPage, queue: Queue | None, now: datetime) -> str:
    """Write it down, each figure with its age."""
    return "\n".join([f"Plimsoll, {_moment(now)}", *_about(page), *_heard(queue), *_database(page)])


def _about(page: SystemPage) -> Iterator[str]:
    yield from (f"{each.part}: {each.number}" for each in page.versions)
    yield from (f"{each.name}: {'embedded' if each.is_embedded else 'external'}" for each in page.services)
    keys = page.keys
    waiting = (
        "" if keys.older is None else f"; {keys.older} of {keys.stored} secrets under an older one, {keys.lost} lost"
    )
    yield f"Credential keys: {keys.count}{waiting}"
    yield f"Last tick: {_age(page.ticked_at)}"
    yield from (f"  It cannot {each.step}, since {_moment(each.since)}" for each in page.failing)


def _heard(queue: Queue | None) -> Iterator[str]:
    if queue is None:
        yield "Queue: not asked"
        return
    if not queue.answers:
        yield "Queue: does not answer"
        return
    yield f"Queue: {queue.server}{', may throw messages away' if queue.evicts else ''}"
    yield from (f"Waiting in {each.queue}: {each.waiting}" for each in queue.depths)
    yield f"Given to workers: {queue.given}"
    yield f"Workers that answered: {len(queue.workers) if queue.asked_workers else 'not asked'}"
    for number, worker in enumerate(queue.workers, 1):
        doing = ", ".join(each.words for each in worker.doing) or "nothing"
        takes = f"{worker.processes} processes, takes from {', '.join(worker.queues)}"
        yield f"  {number}: started {_age(worker.started)}, {takes}, does {doing}"


def _database(page: SystemPage) -> Iterator[str]:
    yield f"Database: {page.bytes} bytes, up since {_moment(page.postgres_since)}"
    for table in page.tables:
        counted = _moment(table.counted_at) if table.counted_at else "some time ago"
        rows = "never counted" if table.rows is None else f"about {table.rows} rows, counted {counted}"
        yield f"  {table.name}: {table.bytes} bytes, {rows}"
    yield from _migrations(page.migrations)


def _migrations(found: Migrations) -> Iterator[str]:
    yield f"Newest migration: {found.newest or 'none'}, applied {_age(found.applied_at)}"
    yield f"Missing migrations: {_listed(found.missing)}"
    yield f"Migrations of another release: {_listed(found.foreign)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _age(at: datetime | None) -> str:
    return _moment(at) if at is not None else "never"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
