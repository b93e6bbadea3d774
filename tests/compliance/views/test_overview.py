"""The first page."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from compliance.models import DailySnapshot, PolicyVersion, Repository, State
from tests.support.pages import Page, get
from tests.support.rows import NOW, fleet, never_scanned, registry, scan


def trend_rows(page: Page) -> list[list[str]]:
    """The cells of the trend table."""
    table = page.html.split('aria-label="Trend table"')[1].split("</table>")[0]
    return [row.text.split() for row in Page(f"<body>{table}</body>").all("tr")][1:]


def test_a_first_visit_says_how_to_begin(reader: Client) -> None:
    page = get(reader, "/")
    assert "Three steps to the first answer" in page.text
    assert "Ask an administrator" in page.text
    assert not page.all("svg", class_="plot")


def test_an_administrator_is_led_to_the_form(admin: Client) -> None:
    assert get(admin, "/").all("a", href="/registries/-/new/", class_="first")


def test_the_steps_done_are_ticked(reader: Client) -> None:
    scan(registry(), state=State.RUNNING, finished_at=None)
    assert len(get(reader, "/").all("li", class_="done")) == 2


@pytest.mark.parametrize(
    ("url", "rows"),
    [
        ("/tags/?verdict=fail", 3),
        ("/tags/?verdict=unknown", 0),
        ("/tags/?verdict=pass", 3),
        ("/repos/?show=never", 1),
        ("/registries/?state=error", 1),
        ("/scans/?state=active", 1),
    ],
)
def test_every_card_counts_the_rows_it_links_to(reader: Client, url: str, rows: int) -> None:
    made = fleet(3)
    never_scanned(made.registry, "team/new")
    scan(registry("Quay", problem_code="denied", problem_message="No."), state=State.RUNNING, finished_at=None)
    card = next(a for a in get(reader, "/").all("a", class_="card") if a.attributes["href"] == url)
    listed = get(reader, url)
    assert (len(listed.rows) if listed.all("table") else 0) == rows
    assert str(rows) in card.text.split()


def test_compliance_is_pass_over_evaluated(reader: Client) -> None:
    fleet(3)
    page = get(reader, "/")
    assert "50 %" in page.all("a", class_="gauge")[0].text
    assert "3 of 6 tags pass" in page.text


def test_the_change_is_measured_over_the_window(reader: Client) -> None:
    fleet(2)
    assert "−50.0 points since 1 Mar 2026" in get(reader, "/?days=30").text
    assert "−50.0 points since 4 Mar 2026" in get(reader, "/?days=7").text


def test_today_is_what_the_cards_say_where_nobody_scanned_today(reader: Client) -> None:
    fleet(2)
    DailySnapshot.objects.filter(day="2026-03-10", repository__name="team/app-0001").delete()
    latest = trend_rows(get(reader, "/"))[0]
    assert latest[:5] == ["10", "Mar", "4", "2", "2"]


def test_a_day_closed_late_is_not_hidden_by_the_cache(reader: Client) -> None:
    made = fleet(1)
    before = len(trend_rows(get(reader, "/?days=90")))
    row = DailySnapshot.objects.get(repository=made.repositories[0], day="2026-03-10")
    row.pk = None
    row.day, row.closed = date(2026, 2, 20), True
    row.save(force_insert=True)
    assert len(trend_rows(get(reader, "/?days=90"))) == before + 1


def test_an_unknown_window_is_ignored(reader: Client) -> None:
    fleet(1)
    page = get(reader, "/?days=31")
    assert page.all("a", aria_current="true")[0].text == "30 days"


def test_what_got_worse_is_named_with_what_it_was(reader: Client) -> None:
    fleet(1)
    page = get(reader, "/")
    assert page.all("a", href="/r/harbor/team/app-0000/-/t/latest/")
    assert "Got worse lately" in page.text


def test_a_deleted_repository_counts_nowhere(reader: Client) -> None:
    made = fleet(2)
    Repository.objects.filter(pk=made.repositories[0].pk).update(deleted_at=made.repositories[0].scanned_at)
    page = get(reader, "/")
    assert "1 of 2 tags pass" in page.text
    assert not page.all("a", href="/r/harbor/team/app-0000/-/")


def test_the_day_from_which_other_rules_count_is_marked(reader: Client) -> None:
    made = fleet(2)
    policy = made.registry.policy
    second = PolicyVersion.objects.create(policy=policy, number=2, document={}, created_at=NOW)
    assert not get(reader, "/").all("ol", class_="marks")
    DailySnapshot.objects.filter(closed=False, repository=made.repositories[0]).update(policy_version=second)
    page = get(reader, "/")
    assert page.all("ol", class_="marks")[0].text == "1 From 10 Mar on: kubernetes v2"
    assert [mark.text for mark in page.all("line", class_="mark")] == ["kubernetes v2"]
    assert "Rules changed: kubernetes v2" in " ".join(trend_rows(page)[0])
