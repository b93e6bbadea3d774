"""Findings as files: CSV, lines of JSON, SARIF 2.1.0 (OASIS) and a summary in Markdown; each as pieces of text.

Nothing is held but the piece that is written, whatever the number of findings.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from compliance.remediation.status import Status
from compliance.spreadsheet import Cell, csv_lines
from scanner.domain.verdict import Severity
from scanner.rulebook import RULES
from scanner.sarif import SARIF_SCHEMA, sarif_rule, sarif_tool

MOST_LISTED: Final = 50
_TITLES: Final = {rule.id: rule.title for rule in RULES}
_ACCEPTED: Final = (Status.WAIVED, Status.FALSE_POSITIVE)
_BLANK: Final = str.maketrans("\r\n\t", "   ")


@dataclass(frozen=True, slots=True)
class ExportedFinding:
    """A finding with everything a list of findings can say."""

    id: int
    rule: str
    severity: Severity
    status: Status
    resolution: str
    registry: str
    repository: str
    platform: str
    subject: str
    team: str
    assignee: str
    protected: bool
    regression: bool
    baseline: bool
    tags: int
    first_seen_at: datetime
    opened_at: datetime
    last_seen_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    waiver: str
    waived_until: datetime | None

    @property
    def title(self) -> str:
        """What the rule is called."""
        return _title(self.rule)

    @property
    def fingerprint(self) -> str:
        """What makes it the same finding in the next export."""
        return f"{self.rule}:{self.registry}/{self.repository}:{self.platform}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings of a rule and a severity a team has; an empty one: those of no team."""

    rule: str
    severity: Severity
    team: str
    count: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of itself.

    :param asked: the filters in words.
    :param address: the list it was made from.
    """

    asked: tuple[str, ...]
    address: str
    at: datetime


_COLUMNS: Final = (
    "id", "rule", "title", "severity", "status", "resolution", "registry", "repository", "platform", "subject", "team",
    "assignee", "protected", "regression", "baseline", "tags", "first_seen_at", "opened_at", "last_seen_at", "due_at",
    "closed_at", "waiver", "waived_until",
)  # fmt: skip


def as_csv(rows: Iterable[ExportedFinding]) -> Iterator[str]:
    """A line for each, for spreadsheet programs."""
    return csv_lines(_COLUMNS, ([_cell(getattr(row, name)) for name in _COLUMNS] for row in rows))


def _cell(value: Cell) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


def as_ndjson(rows: Iterable[ExportedFinding]) -> Iterator[str]:
    """An object for each, one on a line."""
    for row in rows:
        yield json.dumps({name: _plain(getattr(row, name)) for name in _COLUMNS}, ensure_ascii=True) + "\n"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def as_sarif_log(rows: Iterable[ExportedFinding], said: Said) -> Iterator[str]:
    """One run; findings that are accepted are suppressed results, so that no reader counts or misses them."""
    yield f'{{"$schema": {json.dumps(SARIF_SCHEMA)}, "version": "2.1.0", "runs": [{{"tool": {json.dumps(sarif_tool())},'
    about = {"filters": list(said.asked), "address": said.address, "at": said.at.isoformat()}
    yield f' "properties": {json.dumps(about)}, "results": ['
    for number, row in enumerate(rows):
        yield f"{',' if number else ''}\n{json.dumps(_result(row))}"
    yield "]}]}\n"


def _result(row: ExportedFinding) -> dict[str, Any]:
    name = f"{row.registry}/{row.repository}"
    platform = f" ({row.platform})" if row.platform else ""
    # One that is fixed is no result of this run, but of an earlier one.
    state = "absent" if row.status is Status.FIXED else "unchanged" if row.baseline else "new"
    accepted = {"kind": "external", "status": "accepted", "justification": row.waiver or "false positive"}
    return {
        **sarif_rule(row.rule, row.severity),
        "message": {"text": f"{name}{platform}: {row.title}"},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": name, "kind": "module"}]}],
        "partialFingerprints": {"finding/v1": row.fingerprint},
        "baselineState": state,
        "suppressions": [accepted] if row.status in _ACCEPTED else [],
        "properties": {name: _plain(getattr(row, name)) for name in _COLUMNS if name not in ("rule", "title")},
    }


def as_markdown(tallies: Iterable[Tally], first: Sequence[ExportedFinding], said: Said) -> Iterator[str]:
    """How many by severity, rule and team, and the most urgent of them.

    :param first: at most ``MOST_LISTED``.
    """
    severities: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    teams: Counter[str] = Counter()
    for tally in tallies:
        severities[tally.severity.value] += tally.count
        rules[f"{tally.rule} {_title(tally.rule)}"] += tally.count
        teams[tally.team or "no team"] += tally.count
    asked = ", ".join(said.asked) or "no filter"
    yield f"# Findings: {severities.total():,}\n\n{_text(asked)}. "
    yield f"As of {said.at:%Y-%m-%d %H:%M} UTC, from <{said.address}>\n"
    yield _table("Severity", [(each.value, severities[each.value]) for each in Severity if severities[each.value]])
    yield _table("Rule", _most(rules))
    yield _table("Team", _most(teams))
    yield f"\n## The first {len(first)}\n\n"
    yield "| Severity | Finding | Repository | Status | Who | Due |\n|---|---|---|---|---|---|\n"
    for row in first:
        due = f"{row.due_at:%Y-%m-%d}" if row.due_at else "–"
        where = f"{row.repository} {row.platform}".strip()
        cells = (row.severity, f"{row.rule} {row.title}", where, row.status, row.assignee or row.team or "–", due)
        yield f"| {' | '.join(_text(cell) for cell in cells)} |\n"


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_LISTED]


def _title(rule: str) -> str:
    return _TITLES.get(rule, rule)


def _table(head: str, counts: Iterable[tuple[str, int]]) -> str:
    lines = "".join(f"| {_text(name)} | {count:,} |\n" for name, count in counts)
    return f"\n| {head} | Findings |\n|---|--:|\n{lines}"


def _text(text: str) -> str:
    """Text that stays text in Markdown, and within its cell."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]<>|#!" else c for c in text.translate(_BLANK))
    return "".join(c for c in escaped if c.isprintable())
