"""Scans: the list, live progress, cancelling."""

from __future__ import annotations

import pytest
from django.test import Client

from compliance.models import Scan, State
from tests.support.pages import Page, get, get_part
from tests.support.rows import fleet, registry, scan


def running(**columns: object) -> Scan:
    """A scan that is under way."""
    values: dict[str, object] = {"state": State.RUNNING, "finished_at": None, "tags_total": 1903, "tags_done": 412}
    return scan(registry(), (), **{**values, **columns})


def test_without_rows_it_says_what_to_do(reader: Client) -> None:
    assert "No scan yet" in get(reader, "/scans/").text


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 2), ("state=active", 1), ("state=done", 1), ("state=failed", 0), ("state=x", 2), ("registry=harbor", 2)],
)
def test_filters(reader: Client, query: str, count: int) -> None:
    made = fleet(1)
    scan(made.registry, state=State.QUEUED, finished_at=None, started_at=None)
    page = get(reader, f"/scans/?{query}")
    assert (len(page.rows) if page.all("table") else 0) == count


@pytest.mark.parametrize("number", ["0", "99", "9" * 30])
def test_scans_that_do_not_exist(reader: Client, number: str) -> None:
    get(reader, f"/scans/{number}/", status=404)
    assert reader.post(f"/scans/{number}/cancel/").status_code == 302


def test_progress_in_numbers(reader: Client) -> None:
    row = running()
    page = get(reader, f"/scans/{row.pk}/")
    assert "412/1,903 tags" in page.text
    assert page.all("progress")[0].attributes == {"id": "bar", "max": "1903", "value": "412"}
    assert "<noscript><meta http-equiv" in page.html


def test_a_running_scan_polls_itself(reader: Client) -> None:
    live = get(reader, f"/scans/{running().pk}/").all("div", id="live")[0]
    assert live.attributes["hx-trigger"] == "every 2s"
    assert "data-poll" in live.attributes


def test_a_poll_that_brings_nothing_new_gets_nothing(reader: Client) -> None:
    url = get(reader, f"/scans/{running().pk}/").all("div", id="live")[0].attributes["hx-get"]
    assert reader.get(url, headers={"HX-Request": "true"}).status_code == 204
    Scan.objects.update(tags_done=413)
    assert "413/1,903" in get_part(reader, url)


def test_polling_stops_when_the_scan_has_ended(reader: Client) -> None:
    row = running()
    Scan.objects.update(state=State.DONE)
    response = reader.get(f"/scans/{row.pk}/?v=x", headers={"HX-Request": "true"})
    assert response.status_code == 286
    live = Page(response.content.decode()).all("div", id="live")[0]
    assert "hx-get" not in live.attributes


def test_errors_are_grouped_by_cause_with_a_remedy(reader: Client) -> None:
    made = fleet(7)
    page = get(reader, f"/scans/{made.scan.pk}/")
    assert "7×" in page.text
    assert "in 7 repositories" in page.text
    assert "Wait." in page.text
    examples = [a for a in page.all("a") if "/-/" in a.attributes.get("href", "") and "id" not in a.attributes]
    assert len(examples) == 5


def test_cancelling(reader: Client) -> None:
    row = running()
    assert reader.get(f"/scans/{row.pk}/cancel/").status_code == 405
    reader.post(f"/scans/{row.pk}/cancel/")
    page = get(reader, f"/scans/{row.pk}/")
    assert "The scan was cancelled. What it had read is kept." in page.text
    assert "Cancelled" in page.text
    reader.post(f"/scans/{row.pk}/cancel/")
    assert "The scan had already ended." in get(reader, f"/scans/{row.pk}/").text


def test_a_scan_that_failed_says_why(reader: Client) -> None:
    row = running(state=State.FAILED, problem_code="dns", problem_message="No such host.", problem_remedy="Correct it.")
    text = get(reader, f"/scans/{row.pk}/").text
    assert "No such host." in text
    assert "Correct it." in text
