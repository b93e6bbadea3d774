"""The inbox as files: exactly the list, in every format, and nothing in them is a formula."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import cast

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from compliance.models import AuditAction, AuditEvent, Finding, Team, Waiver
from tests.compliance.views.test_findings import lines
from tests.support.pages import get
from tests.support.remediation import finding_row, findings, join, own, team
from tests.support.rows import HOSTILE, NOW, fleet, user

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")')


@pytest.fixture
def many(reader: Client) -> list[Finding]:
    """Findings whose subjects are what a spreadsheet would compute."""
    made = fleet(2)
    own(team("Payments"), made.repositories[:1])
    shapes: list[dict[str, object]] = [{"subject": each} for each in (*FORMULAS, HOSTILE, "a|b\nc", "ü")]
    shapes += [{"regression": True}, {"due_at": None}, {"status": "fixed", "closed_at": NOW}, {"status": "waived"}]
    return findings(
        finding_row(repository, "NR103", **{"subject": f"s{at}", **shape})
        for at, shape in enumerate(shapes)
        for repository in made.repositories
    )


def download(client: Client, query: str) -> tuple[StreamingHttpResponse, str]:
    response = cast(StreamingHttpResponse, client.get(f"/findings/export/?{query}"))
    assert response.status_code == 200
    return response, b"".join(response).decode()


LISTS = ["", "tab=all", "team=payments", "severity=low", "tab=all&sort=-age", "tab=waived", "q=app&sort=repository"]


@pytest.mark.parametrize("query", LISTS)
def test_a_file_is_the_list_in_its_order(reader: Client, many: list[Finding], query: str) -> None:
    listed = lines(get(reader, f"/findings/?{query}&size=250"))
    rows = list(csv.DictReader(StringIO(download(reader, f"{query}&format=csv")[1])))
    assert [int(row["id"]) for row in rows] == listed
    objects = [json.loads(line) for line in download(reader, f"{query}&format=ndjson")[1].splitlines()]
    assert [each["id"] for each in objects] == listed
    log = json.loads(download(reader, f"{query}&format=sarif")[1])
    assert [each["properties"]["id"] for each in log["runs"][0]["results"]] == listed
    assert download(reader, f"{query}&format=md")[1].startswith(f"# Findings: {len(listed)}\n")


def test_no_cell_is_a_formula(reader: Client, many: list[Finding]) -> None:
    rows = list(csv.reader(StringIO(download(reader, "tab=all")[1], newline="")))
    assert len(rows) == 29
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {f"'{each}" for each in FORMULAS} <= {cell for row in rows for cell in row}


def test_sarif_says_what_is_accepted_and_what_is_over(reader: Client, many: list[Finding]) -> None:
    me = user("kim")
    waiver = Waiver.objects.create(
        title="Theirs", rule="NR103", owner=me, created_by=me, reason="vendor", created_at=NOW,
        expires_at=NOW + timedelta(days=9),
    )  # fmt: skip
    Finding.objects.filter(status="waived").update(waiver=waiver)
    log = json.loads(download(reader, "tab=all&format=sarif")[1])
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    by_status = {each["properties"]["status"]: each for each in run["results"]}
    assert by_status["waived"]["suppressions"][0]["justification"] == "Theirs"
    assert by_status["fixed"]["baselineState"] == "absent"
    assert not by_status["new"]["suppressions"]
    rules = run["tool"]["driver"]["rules"]
    assert {rules[each["ruleIndex"]]["id"] for each in run["results"]} == {"NR103"}
    assert len({each["partialFingerprints"]["finding/v1"] for each in run["results"]}) == 28


def test_markdown_is_text(reader: Client, many: list[Finding]) -> None:
    Finding.objects.filter(pk=many[0].pk).update(platform="a|b\n<img src=x>")
    text = download(reader, "tab=all&format=md")[1]
    assert " <img" not in text
    assert "a\\|b \\<img" in text


def test_a_summary_counts_what_is_in_the_list(reader: Client, many: list[Finding]) -> None:
    text = download(reader, "tab=all&format=md")[1]
    for head, column in (("Severity", "rank"), ("Rule", "rule"), ("Team", "repository__team__slug")):
        table = text.partition(f"| {head} |")[2].partition("\n\n")[0].splitlines()[2:]
        counts = Counter(Finding.objects.values_list(column, flat=True))
        assert [int(line.split("|")[2].replace(",", "")) for line in table] == [n for _, n in counts.most_common()]


def test_its_name_says_what_it_is(reader: Client, many: list[Finding]) -> None:
    first = download(reader, "team=payments&page=9&_connector=x")[0].headers
    again = download(reader, "team=payments")[0].headers
    other = download(reader, "team=payments&severity=high")[0].headers
    assert first["Content-Disposition"] == again["Content-Disposition"] != other["Content-Disposition"]
    assert first["Content-Disposition"].endswith('-20260310T120000Z.csv"')
    assert first["Cache-Control"] == "private, no-store"


def test_an_export_is_in_the_trail(reader: Client, many: list[Finding]) -> None:
    download(reader, "team=payments&format=sarif")
    event = AuditEvent.objects.get(action=AuditAction.EXPORTED)
    assert event.data == {"format": "sarif", "filter": "team=payments", "rows": 12}


def test_what_is_not_understood_is_no_file(reader: Client, many: list[Finding]) -> None:
    response = reader.get("/findings/export/?q=statu:x")
    assert response.headers["Location"] == "/findings/?q=statu%3Ax"
    assert not AuditEvent.objects.filter(action=AuditAction.EXPORTED).exists()


def test_a_member_takes_only_their_own(client: Client, many: list[Finding]) -> None:
    somebody = user("lead", role="member")
    join(Team.objects.get(), somebody, "viewer")
    client.force_login(somebody)
    for kind in ("csv", "ndjson", "sarif", "md"):
        text = download(client, f"tab=all&format={kind}")[1]
        assert "app-0000" in text
        assert "app-0001" not in text
