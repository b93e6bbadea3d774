"""The trend of a repository: table, chart and file, by day, week and month."""

from __future__ import annotations

import csv
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client

from compliance.models import AuditEvent, DailySnapshot, PolicyVersion, Repository, TagChange
from compliance.queries import weighed_again
from tests.support.pages import Page, get
from tests.support.rows import NOW, fleet, never_scanned, registry

URL = "/r/harbor/team/app-0000/-/"
TREND = f"{URL}trend/"


def periods(page: Page) -> list[list[str]]:
    """The cells of the trend table."""
    table = page.html.split('aria-label="Trend table"')[1].split("</table>")[0]
    return [row.text.split() for row in Page(f"<body>{table}</body>").all("tr")][1:]


@pytest.mark.parametrize("by", ["day", "week", "month", "nonsense"])
def test_the_trend_as_a_file_is_the_table(reader: Client, by: str) -> None:
    fleet(1)
    DailySnapshot.objects.filter(day="2026-03-10").update(fixed=2, new=1)
    response = reader.get(f"{TREND}export/?by={by}")
    assert response["Content-Type"].startswith("text/csv")
    assert response["Cache-Control"] == "private, no-store"
    header, *lines = csv.reader(b"".join(response).decode().splitlines())
    table = periods(get(reader, f"{TREND}?by={by}"))
    assert len(lines) == len(table)
    first = dict(zip(header, lines[0], strict=True))
    assert [first[name] for name in ("evaluated", "pass", "fail", "unknown", "score")] == ["2", "1", "1", "0", "50.0"]
    assert first["policy"] == "kubernetes v1"
    assert first["compliance_percent"] == "50.0"
    assert AuditEvent.objects.get(action="exported").data["rows"] == len(lines)


def test_a_number_with_a_minus_stays_a_number_in_the_file(reader: Client) -> None:
    fleet(1)
    lines = list(csv.DictReader(b"".join(reader.get(f"{TREND}export/")).decode().splitlines()))
    assert [line["change_points"] for line in lines][2:5] == ["0.0", "-50.0", "0.0"]


def test_a_repository_without_snapshots_has_an_empty_file(reader: Client) -> None:
    never_scanned(registry(), "team/new")
    assert len(list(reader.get("/r/harbor/team/new/-/trend/export/"))) == 1
    assert not get(reader, "/r/harbor/team/new/-/trend/").all("a", href="/r/harbor/team/new/-/trend/export/?by=day")


def test_the_trend_by_day(reader: Client) -> None:
    fleet(1)
    found = periods(get(reader, TREND))
    assert found[0] == [
        "10",
        "Mar",
        "2",
        "1",
        "1",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "50.0",
        "50",
        "%",
        "±0",
        "kubernetes",
        "v1",
    ]
    assert found[3][2:] == [
        "2",
        "1",
        "1",
        "0",
        "0",
        "1",
        "0",
        "+1",
        "0",
        "0",
        "50.0",
        "50",
        "%",
        "▼",
        "−50.0",
        "kubernetes",
        "v1",
    ]
    assert len(found) == 10


def test_a_change_of_the_policy_is_a_line_in_the_trend(reader: Client) -> None:
    made = fleet(1)
    first = made.registry.policy.current
    assert first is not None
    second = PolicyVersion.objects.create(policy=first.policy, number=2, document=first.document, created_at=NOW)
    assert not get(reader, TREND).all("line", class_="mark")
    DailySnapshot.objects.filter(closed=False).update(policy_version=second)

    page = get(reader, TREND)

    assert len(page.all("line", class_="mark")) == 1
    assert "From 10 Mar on: kubernetes v2." in page.all("desc")[0].text
    assert [row[-1] for row in periods(page)][:3] == ["v2", "v1", "v1"]
    assert "Rules changed: kubernetes v2" in " ".join(periods(page)[0])
    assert page.all("ol", class_="marks")[0].text == "1 From 10 Mar on: kubernetes v2"
    assert page.all("a", href="/policies/kubernetes/history/#v2")


def test_changes_of_one_week_are_one_line(reader: Client) -> None:
    home = registry()
    row = never_scanned(home, "team/new")
    first = home.policy.current
    later = [PolicyVersion(policy=home.policy, number=number, document={}, created_at=NOW) for number in (2, 3)]
    PolicyVersion.objects.bulk_create(later)
    counts = dict.fromkeys(("evaluated", "passed", "failed", "unknown", "not_applicable"), 0)
    assert first is not None
    for back, version in zip((8, 1, 0), (first, *later), strict=True):
        day = NOW.date() - timedelta(days=back)
        DailySnapshot.objects.create(repository=row, day=day, policy_version=version, **counts)
    page = get(reader, "/r/harbor/team/new/-/trend/?by=week")
    assert [mark.text for mark in page.all("line", class_="mark")] == ["kubernetes v2, kubernetes v3"]
    assert page.all("ol", class_="marks")[0].text == "1 From 2026-W11 on: kubernetes v2, kubernetes v3"


def test_the_trend_ends_with_what_the_page_says_now(reader: Client) -> None:
    fleet(1)
    DailySnapshot.objects.filter(day="2026-03-10").delete()
    assert periods(get(reader, TREND))[0][:5] == ["10", "Mar", "2", "1", "1"]


def test_the_trend_of_a_deleted_repository_ends_when_it_went(reader: Client) -> None:
    fleet(1)
    DailySnapshot.objects.filter(day="2026-03-10").delete()
    Repository.objects.update(deleted_at=NOW)
    assert periods(get(reader, TREND))[0][:2] == ["09", "Mar"]


def test_the_trend_by_week_takes_the_last_day_and_adds_what_happened(reader: Client) -> None:
    fleet(1)
    DailySnapshot.objects.filter(day="2026-03-10").update(fixed=2, new=1)
    found = periods(get(reader, f"{TREND}?by=week"))
    assert [row[0] for row in found] == ["2026-W11", "2026-W10", "2026-W09"]
    assert found[0][1:8] == ["2", "1", "1", "0", "0", "1", "2"]
    assert found[1][6] == "1"


def test_the_trend_by_month(reader: Client) -> None:
    fleet(1)
    assert [row[:2] for row in periods(get(reader, f"{TREND}?by=month"))] == [["Mar", "2026"]]


def test_the_chart_and_the_table_are_of_the_same_numbers(reader: Client) -> None:
    fleet(1)
    page = get(reader, TREND)
    assert "fail from 0 to 1" in page.all("desc")[0].text
    assert page.all("rect", class_="hit")


def test_the_days_by_todays_rules(reader: Client) -> None:
    fleet(1)
    TagChange.objects.update(kind="created")
    page = get(reader, f"{TREND}?by=week&rules=today")
    found = periods(page)
    assert [row[:8] for row in found] == [
        ["2026-W11", "1", "0", "1", "0", "0", "0", "0"],
        ["2026-W10", "1", "0", "1", "0", "1", "0", "+1"],
    ]
    assert "Waivers are left out" in page.text
    assert page.all("a", href=f"{TREND}?by=week&rules=recorded")
    assert page.all("a", href=f"{TREND}export/?by=week&rules=today")
    assert not page.all("td", **{"data-label": "Waived"})


def test_the_file_of_the_days_by_todays_rules_is_its_table(reader: Client) -> None:
    fleet(1)
    TagChange.objects.update(kind="created")
    response = reader.get(f"{TREND}export/?by=week&rules=today")
    lines = list(csv.DictReader(b"".join(response).decode().splitlines()))
    assert "trend-week-todays-rules-" in response["Content-Disposition"]
    assert [(line["period"], line["fail"], line["new"]) for line in lines] == [
        ("2026-W11", "1", "0"),
        ("2026-W10", "1", "1"),
    ]
    assert {(line["waived"], line["overdue"], line["score"]) for line in lines} == {("", "", "")}


def test_too_much_to_weigh_again_is_said_and_has_no_file(reader: Client) -> None:
    fleet(1)
    with patch.object(weighed_again, "MOST_MOVES", 0):
        page = get(reader, f"{TREND}?rules=today")
        assert "Too much to weigh again" in page.text
        assert page.all("a", href=f"{TREND}?rules=recorded")
        assert reader.get(f"{TREND}export/?rules=today").status_code == 404
