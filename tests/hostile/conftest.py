"""One registry and one scanning process for the whole corpus; one line of figures per attack at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from statistics import quantiles
from typing import Any

import pytest

from tests.hostile.bench import Bench, bench

FIGURES = "hostile"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Scans images for the whole session, in one process."""
    with bench(tmp_path_factory.mktemp("hostile")) as found:
        yield found


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures; those of pytest-xdist's workers come with their reports."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                if name == FIGURES:
                    groups.setdefault(value["group"], []).append({**value, "ok": outcome == "passed"})
    for group in sorted(groups):
        terminalreporter.write_line(json.dumps(_line(group, groups[group])))
    if groups:
        terminalreporter.write_line(json.dumps(_line("hostile", [one for found in groups.values() for one in found])))


def _line(group: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = [one["seconds"] for one in found]
    cuts = quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return {
        "id": group,
        "n": len(found),
        "ok": sum(one["ok"] for one in found),
        "p50": round(cuts[49], 3),
        "p95": round(min(cuts[94], max(seconds)), 3),
        "p99": round(min(cuts[98], max(seconds)), 3),
        "rss_max": max(one["child_bytes"] for one in found),
        "worker_rss_max": max(one["worker_bytes"] for one in found),
        "wall": round(sum(seconds), 1),
        "cpu": round(sum(one["cpu_seconds"] for one in found), 1),
    }
