"""How long pages take: `python -m benchmarks.pages [--repositories 10000 …]`.

Budget: p95 at most 150 ms and 15 queries for every page with 10,000 repositories, 1,000,000 tags, two years of daily
snapshots, 200,000 findings and 200 teams stored, as a security engineer and as a lead of one team. Each page is asked
for over HTTP, one request after the other, of one process of the web server as ``manage.py up`` starts it; of exports
it is the time until the first piece. Queries are counted by Django's test client, cold, with nothing that a process
keeps; the time of such a request, the first after a finding has changed, is printed too.

A database that holds a fleet already is asked as it is, so that a change can be measured in seconds: ``python -m
compliance.localstack --folder FOLDER run -- python -m benchmarks.pages`` fills it once. ``--only /findings/`` asks for
some pages alone. ``--repositories 500 --teams 20 --days 90`` is a fleet for every day.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.support.database import prepared_database

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase
    from django.test import Client

    from benchmarks.support.page_addresses import Asked
    from benchmarks.support.web_process import WebProcess
    from compliance.models import User

_BUDGET_MS = 150.0
_MOST_QUERIES = 15
_CONFIRMED_FOR = 86_400


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds at the server, and queries.

    :param cold: milliseconds of a request in this process, which had kept nothing.
    :param computed: mean processor time of Python; the rest is Postgres.
    """

    asked: Asked
    median: float
    p95: float
    cold: float
    computed: float
    queries: int

    @property
    def kept(self) -> bool:
        """Whether it stayed within the budget."""
        return self.p95 <= _BUDGET_MS and self.queries <= _MOST_QUERIES

    def __str__(self) -> str:
        return (
            f"{self.p95:7.1f} ms p95 {self.median:7.1f} ms p50 {self.cold:7.1f} ms cold "
            f"{self.computed:6.1f} ms in Python "
            f"{self.queries:3} queries {'    ' if self.kept else 'OVER'} {self.asked.who:8} {self.asked.path}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, ask, print; the exit status says whether the budget was kept."""
    options = _parser().parse_args(arguments)
    with prepared_database():
        from django.test import override_settings

        from benchmarks.support.page_addresses import every_page, unaskable
        from benchmarks.support.web_process import web_process
        from compliance.project.heap import settle
        from tests.support.pages import PLAIN_STATIC

        _fill(options)
        with web_process() as web, override_settings(STORAGES=PLAIN_STATIC):
            clients = _clients()
            settle()  # as a web process does when it starts
            timings = []
            for asked in every_page():
                if asked.path.startswith(options.only):
                    timings.append(_timing(asked, clients[asked.who], web, options.rounds))
                    print(timings[-1], flush=True)
        print(f"not asked for, because they take no GET by a session: {', '.join(unaskable())}")
    return _report(timings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--repositories", type=int, default=10_000)
    parser.add_argument("--tags", type=int, default=100, help="of each repository")
    parser.add_argument("--days", type=int, default=730, help="of snapshots")
    parser.add_argument("--findings", type=int, default=20, help="of each repository, at most 20")
    parser.add_argument("--teams", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20, help="requests for each page")
    parser.add_argument("--only", default="/", help="pages whose address begins so")
    return parser


def _fill(options: argparse.Namespace) -> None:
    from django.utils import timezone

    from benchmarks.support.stored_fleet import Size, fill_fleet, without_triggers
    from benchmarks.support.stored_traffic import fill_traffic
    from benchmarks.support.stored_work import fill_work
    from compliance.models import Repository

    stored = Repository.objects.count()
    if stored:
        print(f"{stored:,} repositories were there already")
        return
    size = Size(options.repositories, options.tags, options.days, options.findings, options.teams)
    began, now = time.monotonic(), timezone.now()
    with without_triggers():
        fill_fleet(size, now=now)
        fill_work(size, now=now)
        fill_traffic(size.tags, now=now)
    print(f"{size}: {time.monotonic() - began:.0f} s, {_gigabytes():.1f} GB")


def _gigabytes() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return float(cursor.fetchone()[0]) / 1e9


def _clients() -> dict[str, Client]:
    from django.test import Client

    from benchmarks.support.page_addresses import ANYBODY, people

    found = {ANYBODY: Client(headers={"host": "localhost"})}
    for who, person in people().items():
        found[who] = Client(headers={"host": "localhost"})
        found[who].force_login(person)
        _confirm(found[who], person)
    return found


def _confirm(client: Client, person: User) -> None:
    """What asks for the password again is answered for as long as this takes."""
    from allauth.account.internal.flows.login import record_authentication
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = client.session
    until = time.time() + _CONFIRMED_FOR
    record_authentication(request, person, "password", reauthenticated=True, at=until)
    request.session.save()


def _timing(asked: Asked, client: Client, web: WebProcess, rounds: int) -> Timing:
    path = _ask(client, asked.path)  # templates are read for the first time
    queries, cold = _cold(client, path)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    web.ask(path, cookies)
    spent = [web.ask(path, cookies) for _ in range(rounds)]
    wall = sorted(total for total, _ in spent)
    last = min(rounds - 1, round(rounds * 0.95))
    return Timing(asked, wall[rounds // 2], wall[last], cold, sum(own for _, own in spent) / rounds, queries)


def _cold(client: Client, path: str) -> tuple[int, float]:
    """Queries, and milliseconds of another request like it."""
    from django.core.cache import caches
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    caches["process"].clear()
    with CaptureQueriesContext(connection) as queries:
        _ask(client, path)
        asked = len(queries)
    caches["process"].clear()
    began = time.perf_counter()
    _ask(client, path)
    return asked, (time.perf_counter() - began) * 1_000


def _ask(client: Client, path: str) -> str:
    """Return where the page really is."""
    # A link from a mail keeps its token in the session and leads to the form.
    answer: HttpResponseBase = client.get(path, follow=path.startswith("/welcome/"))
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    if answer.streaming:
        next(iter(answer), b"")
        answer.close()
    led: list[tuple[str, int]] = getattr(answer, "redirect_chain", [])
    return led[-1][0] if led else path


def _report(timings: Iterable[Timing]) -> int:
    found = sorted(timings, key=lambda timing: -timing.p95)
    over = [timing for timing in found if not timing.kept]
    print("", *(over or found[:10]), sep="\n")
    worst = found[0].p95
    print(f"{len(found)} pages, {len(over)} over the budget of {_BUDGET_MS:.0f} ms p95 and {_MOST_QUERIES} queries")
    print(f"slowest page: {worst:.1f} ms p95; ratio {worst / _BUDGET_MS:.2f}")
    cold = sorted((timing.cold, timing.asked.path) for timing in found if timing.cold > _BUDGET_MS >= timing.p95)
    print(*(f"{spent:7.1f} ms when the process keeps nothing: {path}" for spent, path in reversed(cold)), sep="\n")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
