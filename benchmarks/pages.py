"""How long pages take: `python -m benchmarks.pages [REPOSITORIES TAGS_OF_EACH DAYS ROUNDS]`.

Budget: p95 at most 150 ms and 15 queries with 10,000 repositories and 1,000,000 tags stored (``10000 100 400 20``).
Each page is asked for through Django's test client, so the figure is what the server spends, templates included.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.support.database import prepared_database

if TYPE_CHECKING:
    from django.test import Client

_BUDGET_MS = 150.0
_MOST_QUERIES = 15


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds at the server, and queries."""

    path: str
    median: float
    p95: float
    queries: int

    @property
    def kept(self) -> bool:
        """Whether it stayed within the budget."""
        return self.p95 <= _BUDGET_MS and self.queries <= _MOST_QUERIES


def main(repositories: int = 1_000, tags: int = 100, days: int = 60, rounds: int = 10) -> int:
    """Fill, ask, print; the exit status says whether the budget was kept."""
    with prepared_database():
        from django.test import override_settings

        from benchmarks.support.stored_fleet import fill
        from tests.support.pages import PLAIN_STATIC

        began = time.monotonic()
        fill(repositories=repositories, tags=tags, days=days)
        print(f"{repositories} repositories, {repositories * tags} tags in {time.monotonic() - began:.0f} s")
        with override_settings(STORAGES=PLAIN_STATIC):
            timings = [_timing(path, rounds) for path in _paths()]
    for timing in timings:
        print(
            f"{timing.p95:7.1f} ms p95 {timing.median:7.1f} ms p50 {timing.queries:3} queries  "
            f"{'    ' if timing.kept else 'OVER'} {timing.path}"
        )
    worst = max(timing.p95 for timing in timings)
    print(f"slowest page: {worst:.1f} ms p95; ratio {worst / _BUDGET_MS:.2f} (budget {_BUDGET_MS:.0f} ms)")
    return 0 if all(timing.kept for timing in timings) else 1


def _paths() -> list[str]:
    from compliance.models import Scan, Tag
    from scanner.rulebook import RULES

    middle = Tag.objects.order_by("pk")[Tag.objects.count() // 2]
    repository = f"/r/{middle.repository.registry.slug}/{middle.repository.name}/-/"
    rules = [f"/tags/?rule={rule.id}" for rule in RULES]
    lists = ["/tags/", "/tags/?verdict=fail", "/tags/?verdict=fail&page=50", "/tags/?verdict=unknown", "/tags/?q=ice77"]
    found = ["/repos/", "/repos/?q=service77", "/repos/?verdict=fail", "/repos/?sort=score", "/repos/?page=10"]
    narrowed = ["/tags/?rule=NR101&verdict=fail", "/tags/?rule=NR101&q=service77", "/tags/?rule=NR101&page=100"]
    one = [repository, f"{repository}?verdict=fail", f"{repository}t/{middle.name}/", f"/i/{middle.digest}/"]
    rest = ["/registries/", "/registries/bench/", "/rules/", "/rules/NR101/", "/rules/NR202/", "/policies/", "/scans/"]
    policies = [
        "/policies/kubernetes/",
        "/policies/strict/",
        "/policies/kubernetes/history/",
        "/policies/kubernetes/edit/",
    ]
    judged = ["/repos/?policy=kubernetes", "/repos/?pattern=*77*", "/tags/?rule=NR101&policy=kubernetes"]
    rest += [*policies, *judged, "/tags/?rule=NR101&policy=strict", "/tags/?rule=NR503&policy=kubernetes"]
    return ["/", *rest, f"/scans/{Scan.objects.latest('pk').pk}/", *found, *one, *lists, *rules, *narrowed]


def _timing(path: str, rounds: int) -> Timing:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from compliance.models import User

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get_or_create(username="bench", role="admin")[0])
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    asked = len(queries)  # the next request forgets them
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    spent = sorted(_milliseconds(client, path) for _ in range(rounds))
    return Timing(path, spent[len(spent) // 2], spent[min(len(spent) - 1, round(len(spent) * 0.95))], asked)


def _milliseconds(client: Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path)
    return (time.perf_counter() - began) * 1_000


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
