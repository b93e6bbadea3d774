"""Scans: the list, live progress, cancelling."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client

from compliance.models import RegistryState, RepositoryScan, Scan, State, TagChange
from tests.support.pages import Page, get, get_part
from tests.support.rows import NOW, fleet, never_scanned, registry, scan


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


def parts_of(row: Scan, *states: str, **columns: object) -> list[RepositoryScan]:
    """Repositories of a scan in these states."""
    made = [never_scanned(row.registry, f"team/{at:04d}-{state}") for at, state in enumerate(states)]
    pairs = zip(made, states, strict=True)
    return RepositoryScan.objects.bulk_create(
        RepositoryScan(scan=row, repository=each, state=state, **columns) for each, state in pairs
    )


def test_the_list_keeps_pushes_apart(reader: Client) -> None:
    made = fleet(1)
    for number in range(60):
        push = scan(made.registry, partial=True, trigger=Scan.Trigger.WEBHOOK, requested_at=NOW)
        RepositoryScan.objects.create(scan=push, repository=made.repositories[0], only_tags=[f"v{number}", "latest"])
    assert len(get(reader, "/scans/").rows) == 50
    assert [row.text.partition("the")[0] for row in get(reader, "/scans/?tab=whole").rows] == [f"#{made.scan.pk}"]
    pushes = get(reader, "/scans/?tab=pushes&page=2")
    assert len(pushes.rows) == 10
    assert "team/app-0000: v0, latest" in pushes.rows[-1].text
    assert len(get(reader, "/scans/?tab=errors").rows) == 1
    assert len(get(reader, "/scans/?trigger=page").rows) == 1
    assert "No scan matches" in get(reader, "/scans/?tab=errors&trigger=webhook").text


def test_what_has_ended_polls_no_more_and_says_so_once(reader: Client) -> None:
    row = running(tags_done=950)
    live = get(reader, f"/scans/{row.pk}/").all("div", id="live")[0].attributes["hx-get"]
    assert "quarter=1" in live
    Scan.objects.update(tags_done=951)
    assert 'id="status"' not in get_part(reader, live)
    Scan.objects.update(tags_done=952)
    assert "50 % of the tags are done" in get_part(reader, live)
    Scan.objects.update(state=State.DONE)
    assert f"Scan {row.pk} has ended: Done" in get_part(reader, live)


def test_repositories_of_a_scan_are_paged_and_filtered(reader: Client) -> None:
    row = running()
    parts_of(row, *["queued"] * 70, *["failed"] * 2, "running", "done")
    first = get(reader, f"/scans/{row.pk}/")
    assert [each.text.split("-")[1].split()[0] for each in first.rows[:4]] == ["running", "failed", "failed", "queued"]
    assert len(get(reader, f"/scans/{row.pk}/?page=2").rows) == 24
    failed = get(reader, f"/scans/{row.pk}/?show=failed")
    assert len(failed.rows) == 2
    live = failed.all("div", id="live")[0].attributes["hx-get"]
    assert "show=failed" in live
    assert "None of them." in get(reader, f"/scans/{row.pk}/?show=changed").text


def test_links_of_a_polled_part_do_not_poll(reader: Client) -> None:
    row = running()
    parts_of(row, *["queued"] * 70)
    html = Page(get_part(reader, f"/scans/{row.pk}/?v=old&quarter=0&show=active"))
    assert html.all("a", id="page-next")[0].attributes["href"] == f"/scans/{row.pk}/?show=active&page=2"


def test_a_push_says_what_it_is_about(reader: Client) -> None:
    made = fleet(2)
    push = scan(made.registry, made.repositories, partial=True, trigger=Scan.Trigger.WEBHOOK)
    RepositoryScan.objects.filter(scan=push).update(only_tags=["1.0", "latest"])
    text = get(reader, f"/scans/{push.pk}/").text
    assert "team/app-0000: 1.0, latest and 1 more repository" in text


@pytest.mark.parametrize(
    ("state", "parts", "said"),
    [
        (
            {"paused_until": NOW + timedelta(minutes=5), "pause_message": "429."},
            {},
            "is left alone until Tue",
        ),
        ({"budget_until": NOW + timedelta(minutes=1)}, {}, "The requests a minute it is allowed are used up"),
        ({}, {"not_before": NOW + timedelta(minutes=2)}, "3 repositories wait until Tue 10 Mar 12:02"),
        ({}, {}, "No worker has taken it up."),
        ({}, {"lease_until": NOW + timedelta(minutes=1)}, ""),
    ],
)
def test_it_says_what_it_waits_for(
    reader: Client, state: dict[str, object], parts: dict[str, object], said: str
) -> None:
    row = running()
    RegistryState.objects.create(registry=row.registry, **state)
    parts_of(row, "queued", "queued", "queued", **parts)
    page = get(reader, f"/scans/{row.pk}/")
    shown = " ".join(each.text for each in page.all("div", class_="is-warning"))
    assert said in shown
    assert bool(shown) == bool(said)


def test_time_left_counts_repositories_nobody_has_begun(reader: Client) -> None:
    row = running(tags_total=200, tags_done=100, started_at=NOW - timedelta(seconds=100))
    parts_of(row, "done", "running", "queued", "queued", lease_until=NOW + timedelta(minutes=1))
    text = get(reader, f"/scans/{row.pk}/").text
    assert "1.0 tags a second" in text
    assert "about 5 min 0 s left" in text


def test_retrying_a_cause(reader: Client) -> None:
    made = fleet(2)
    page = get(reader, f"/scans/{made.scan.pk}/")
    assert page.all("form", action=f"/scans/{made.scan.pk}/retry/")
    with patch("compliance.views.scans.ring") as ring:
        response = reader.post(f"/scans/{made.scan.pk}/retry/", {"code": "timeout"})
    again = Scan.objects.get(trigger=Scan.Trigger.RETRY)
    assert response.headers["Location"] == f"/scans/{again.pk}/"
    assert ring.called
    response = reader.post(f"/scans/{made.scan.pk}/retry/", {"code": "no\0such"})
    assert response.headers["Location"] == f"/scans/{made.scan.pk}/"


def test_numbers_are_links_to_what_they_count(reader: Client) -> None:
    made = fleet(2)
    TagChange.objects.update(scan=made.scan)
    page = get(reader, f"/scans/{made.scan.pk}/")
    url = page.all("a", id="new")[0].attributes["href"]
    changes = get(reader, url)
    assert [row.text.split()[0] for row in changes.rows] == ["team/app-0001:latest", "team/app-0000:latest"]
    assert "No tag stopped failing" in get(reader, url.replace("new", "fixed")).text
    get(reader, "/scans/999999/changes/", status=404)
