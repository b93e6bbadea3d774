"""Findings as files, piece by piece: what each format says of one, and of many."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from compliance.remediation.finding_formats import (
    ExportedFinding,
    Said,
    Tally,
    as_csv,
    as_markdown,
    as_ndjson,
    as_sarif_log,
)
from compliance.remediation.status import Status
from scanner.domain.verdict import Severity

AT = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
PLAIN = ExportedFinding(
    id=7,
    rule="NR103",
    severity=Severity.CRITICAL,
    status=Status.OPEN,
    resolution="",
    registry="harbor",
    repository="team/app",
    platform="linux/amd64",
    subject="app",
    team="payments",
    assignee="kim",
    protected=True,
    regression=False,
    baseline=False,
    tags=3,
    first_seen_at=datetime(2026, 1, 1, tzinfo=UTC),
    opened_at=datetime(2026, 2, 1, tzinfo=UTC),
    last_seen_at=datetime(2026, 3, 9, tzinfo=UTC),
    due_at=datetime(2026, 3, 20, tzinfo=UTC),
    closed_at=None,
    waiver="",
    waived_until=None,
)
ALL = Said(("severity: critical", "team: payments"), "https://plimsoll.example/findings/?severity=critical", AT)
TITLE = "Runs as root under another name"


def result(row: ExportedFinding) -> dict[str, Any]:
    """The only result of a log."""
    log = json.loads("".join(as_sarif_log([row], ALL)))
    (found,) = log["runs"][0]["results"]
    assert isinstance(found, dict)
    return found


def test_every_field_is_a_column() -> None:
    head, line = csv.reader(as_csv([PLAIN]))
    assert set(head) == {"title", *(field.name for field in fields(ExportedFinding))}
    row = dict(zip(head, line, strict=True))
    assert row == {
        "id": "7", "rule": "NR103", "title": TITLE, "severity": "critical", "status": "open", "resolution": "",
        "registry": "harbor", "repository": "team/app", "platform": "linux/amd64", "subject": "app",
        "team": "payments", "assignee": "kim", "protected": "yes", "regression": "no", "baseline": "no", "tags": "3",
        "first_seen_at": "2026-01-01T00:00:00+00:00", "opened_at": "2026-02-01T00:00:00+00:00",
        "last_seen_at": "2026-03-09T00:00:00+00:00", "due_at": "2026-03-20T00:00:00+00:00", "closed_at": "",
        "waiver": "", "waived_until": "",
    }  # fmt: skip


def test_lines_of_json_keep_numbers_and_truth() -> None:
    (line,) = as_ndjson([replace(PLAIN, subject="größe", closed_at=AT)])
    assert line.endswith("}\n")
    assert line.isascii()
    found = json.loads(line)
    assert (found["id"], found["tags"], found["protected"], found["regression"]) == (7, 3, True, False)
    assert (found["title"], found["subject"], found["waived_until"]) == (TITLE, "größe", None)
    assert found["closed_at"] == "2026-03-10T12:05:00+00:00"


def test_a_log_says_what_was_asked() -> None:
    log = json.loads("".join(as_sarif_log([PLAIN, replace(PLAIN, id=8), replace(PLAIN, id=9)], ALL)))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["properties"] == {
        "filters": ["severity: critical", "team: payments"],
        "address": "https://plimsoll.example/findings/?severity=critical",
        "at": "2026-03-10T12:05:00+00:00",
    }
    assert [each["properties"]["id"] for each in run["results"]] == [7, 8, 9]
    assert json.loads("".join(as_sarif_log([], ALL)))["runs"][0]["results"] == []


def test_a_result() -> None:
    found = result(PLAIN)
    assert found["ruleId"] == "NR103"
    assert found["message"] == {"text": f"harbor/team/app (linux/amd64): {TITLE}"}
    assert found["locations"] == [{"logicalLocations": [{"fullyQualifiedName": "harbor/team/app", "kind": "module"}]}]
    assert found["partialFingerprints"] == {"finding/v1": "NR103:harbor/team/app:linux/amd64:app"}
    about = found["properties"]
    assert {"rule", "title"}.isdisjoint(about)
    assert (about["severity"], about["due_at"], about["closed_at"]) == ("critical", "2026-03-20T00:00:00+00:00", None)
    assert result(replace(PLAIN, platform=""))["message"]["text"] == f"harbor/team/app: {TITLE}"


@pytest.mark.parametrize(
    ("status", "baseline", "waiver", "state", "why"),
    [
        (Status.OPEN, False, "", "new", None),
        (Status.OPEN, True, "", "unchanged", None),
        (Status.FIXED, True, "", "absent", None),
        (Status.WAIVED, False, "Until May", "new", "Until May"),
        (Status.FALSE_POSITIVE, True, "", "unchanged", "false positive"),
    ],
)
def test_what_is_accepted_or_over(status: Status, baseline: bool, waiver: str, state: str, why: str | None) -> None:
    found = result(replace(PLAIN, status=status, baseline=baseline, waiver=waiver))
    accepted = [] if why is None else [{"kind": "external", "status": "accepted", "justification": why}]
    assert (found["baselineState"], found["suppressions"]) == (state, accepted)


def test_what_a_rule_is_called_that_is_no_more() -> None:
    assert replace(PLAIN, rule="NR999").title == "NR999"


def tallies(rows: Iterable[ExportedFinding]) -> list[Tally]:
    """What Postgres counts of the same rows, each alone."""
    return [Tally(row.rule, row.severity, row.team, 1) for row in rows]


def test_a_summary() -> None:
    rows = [
        PLAIN,
        replace(PLAIN, rule="NR101", severity=Severity.LOW, team="", assignee="", due_at=None, platform=""),
        replace(PLAIN, rule="NR101", team="pay_2", assignee="", repository="a|b\n<c>\u202e"),
    ]
    assert "".join(as_markdown(tallies(rows), rows, ALL)) == (
        "# Findings: 3\n\nseverity: critical, team: payments. "
        "As of 2026-03-10 12:05 UTC, from <https://plimsoll.example/findings/?severity=critical>\n"
        "\n| Severity | Findings |\n|---|--:|\n| critical | 2 |\n| low | 1 |\n"
        "\n| Rule | Findings |\n|---|--:|\n| NR101 Runs as root because nothing says otherwise | 2 |\n"
        f"| NR103 {TITLE} | 1 |\n"
        "\n| Team | Findings |\n|---|--:|\n| no team | 1 |\n| pay\\_2 | 1 |\n| payments | 1 |\n"
        "\n## The first 3\n\n"
        "| Severity | Finding | Repository | Status | Who | Due |\n|---|---|---|---|---|---|\n"
        f"| critical | NR103 {TITLE} | team/app linux/amd64 | open | kim | 2026-03-20 |\n"
        "| low | NR101 Runs as root because nothing says otherwise | team/app | open | – | – |\n"
        "| critical | NR101 Runs as root because nothing says otherwise | a\\|b \\<c\\> linux/amd64 | open | pay\\_2"
        " | 2026-03-20 |\n"
    )


def test_a_summary_names_the_first_of_many() -> None:
    rows = [replace(PLAIN, id=at, rule=f"NR{at:04}", team=f"team-{at}") for at in range(1_234)]
    text = "".join(as_markdown(tallies(rows), rows[:50], replace(ALL, asked=())))
    assert text.startswith("# Findings: 1,234\n\nno filter. ")
    assert "| critical | 1,234 |\n" in text
    assert "\n## The first 50\n" in text
    listed = text.partition("## The first")[2]
    assert [f"NR{at:04} " in listed for at in (0, 49, 50)] == [True, True, False]
    counted = text.partition("| Rule |")[2].partition("## The first")[0]
    assert counted.count("\n| NR") == counted.count("\n| team-") == 50


def test_what_was_typed_is_text_in_a_summary() -> None:
    text = "".join(as_markdown([], [], replace(ALL, asked=("contains “<b>\n# *x*”",))))
    assert text.startswith("# Findings: 0\n\ncontains “\\<b\\> \\# \\*x\\*”. As of ")
