"""The first page."""

from __future__ import annotations

from datetime import date
from unittest.mock import patch

import pytest
from django.template.loader import render_to_string
from django.test import Client

from compliance.models import DailySnapshot, PolicyVersion, Registry, Repository, State, Tag, WebhookEndpoint
from compliance.services.grade_repositories import grade_repositories
from tests.support.hooks import Hook
from tests.support.pages import Page, get
from tests.support.remediation import finding, own, team
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


def test_the_line_over_the_bars_is_a_column_of_the_table(reader: Client) -> None:
    fleet(2)
    DailySnapshot.objects.filter(day="2026-03-10").update(closed=False, new=1, fixed=3)
    page = get(reader, "/")
    (line,) = page.all("path", class_="net")
    assert len(line.attributes["d"].split()) == 2 * 10
    assert "10 Mar: 2 new, 6 fixed, net −4" in page.html
    head = [cell.text for cell in page.all("th", scope="col")]
    net = head.index("Net") + 1  # a day is two words
    assert trend_rows(page)[0][net - 2 : net + 1] == ["2", "6", "−4"]


def test_ten_repositories_with_the_most_failing_tags_are_listed(reader: Client) -> None:
    fleet(12)
    listed = get(reader, "/").html.split('id="t-worst"')[1].split("</table>")[0]
    assert len(Page(f"<body>{listed}</body>").rows) == 10


def test_a_day_closed_late_is_not_hidden_by_the_cache(reader: Client) -> None:
    made = fleet(1)
    before = len(trend_rows(get(reader, "/?days=90")))
    row = DailySnapshot.objects.get(repository=made.repositories[0], day="2026-03-10")
    row.pk = None
    row.day, row.closed = date(2026, 2, 20), True
    row.save(force_insert=True)
    assert len(trend_rows(get(reader, "/?days=90"))) == before + 1


def test_numbers_of_weeks_are_those_of_their_last_day(reader: Client) -> None:
    fleet(1)  # its snapshots begin on a Sunday, the tenth is of a Tuesday
    page = get(reader, "/?days=365")
    assert "points since 1 Mar 2026" in page.text
    (failing,) = [card for card in page.all("a", class_="card") if card.text.startswith("Failing tags")]
    assert "▲ 1 more since 1 Mar 2026" in failing.text
    assert trend_rows(page)[-1][0] == "2026-W09"


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


def test_team_and_registry_narrow_together(reader: Client) -> None:
    made = fleet(4)
    crew, quay = team("Payments"), registry("Quay")
    own(crew, [*made.repositories[:2], never_scanned(quay, "pay/new")])
    page = get(reader, "/?team=payments&registry=harbor")
    assert "2 of 4 tags pass" in page.text
    assert "of Payments in Harbor." in page.text
    assert [option.attributes["value"] for option in page.all("option", selected="")] == ["payments", "harbor"]
    assert "0 tags in 1 repository of Payments in Quay" in get(reader, "/?team=payments&registry=quay").text
    assert "/tags/?team=payments&registry=harbor&verdict=fail" in page.html.replace("&amp;", "&")


def test_what_protects_counts_failing_tags_apart(reader: Client) -> None:
    made = fleet(3)
    Registry.objects.filter(pk=made.registry.pk).update(protected_tags=["lat?st", "1.0"])
    grade_repositories(Registry.objects.get(), now=NOW)
    Tag.objects.filter(pk=made.tags[1].pk).update(name="other")
    grade_repositories(Registry.objects.get(), now=NOW)
    card = get(reader, "/").all("a", href="/tags/?verdict=fail&is=protected")[0]
    assert "Failing protected tags 2" in card.text
    assert len(get(reader, card.attributes["href"]).rows) == 2


def test_regressions_stand_above_the_cards(reader: Client) -> None:
    made = fleet(2)
    own(team("Shop"), made.repositories[1:])
    assert "notice is-error" not in get(reader, "/").html
    for number, (repository, status) in enumerate(
        (home, status) for home in made.repositories for status in ("regressed", "in_progress", "waived", "fixed")
    ):
        finding(repository, subject=f"user{number}", status=status, regression=True)
    for scope, many in (("", 4), ("&team=shop", 2)):
        page = get(reader, f"/?days=30{scope}")
        link = page.all("a", href=f"/findings/?{scope[1:]}{scope and '&'}is=regression")[0]
        assert (link.text, link.attributes["data-count"]) == (f"{many} regressions", str(many))
        assert page.text.index(link.text) < page.text.index("Failing tags")
        assert len(get(reader, link.attributes["href"]).rows) == many


def test_a_cause_says_how_many_tags_show_it(reader: Client) -> None:
    made = fleet(3)
    for number, platform in enumerate(("linux/amd64", "linux/arm64")):
        finding(made.repositories[0], "NR103", platform=platform, tags=made.tags[: 2 - number])
    finding(made.repositories[1], "NR103", tags=made.tags[2:4])
    finding(made.repositories[2], "NR103", status="waived", tags=made.tags[4:])
    link = get(reader, "/").all("a", href="/tags/?rule=NR103&subject=app")[0]
    assert (link.text, link.attributes["data-count"]) == ("4", "4")


def test_a_cause_on_very_many_tags_is_not_counted_to_the_end(reader: Client) -> None:
    made = fleet(3)
    finding(made.repositories[1], "NR103", tags=made.tags[:5])
    with patch("compliance.queries.overview_causes._MOST_LOOKED", 3):
        link = get(reader, "/").all("a", href="/tags/?rule=NR103&subject=app")[0]
    assert link.text == "3+"
    assert "data-count" not in link.attributes


def test_cards_say_how_they_moved_since_the_window_began(reader: Client) -> None:
    fleet(2)
    cards = {card.attributes["href"]: card.text for card in get(reader, "/").all("a", class_="card")}
    then = DailySnapshot.objects.filter(day="2026-03-01").values_list("failed", flat=True)
    assert sum(then) < 2
    assert f"▲ {2 - sum(then)} more since 1 Mar 2026" in cards["/tags/?verdict=fail"]
    assert "since" not in cards["/tags/?verdict=unknown"]


@pytest.mark.parametrize(
    ("moved", "plain", "said", "colored"),
    [
        (1, False, "▲ 1 more since 1 Mar 2026", "worse"),
        (-1_234, False, "▼ 1,234 fewer since 1 Mar 2026", "better"),
        (2, True, "▲ 2 more since 1 Mar 2026", ""),
        (0, False, "", ""),
        (None, False, "", ""),
    ],
)
def test_more_and_fewer_are_words_beside_the_arrow(moved: int | None, plain: bool, said: str, colored: str) -> None:
    values = {"moved": moved, "plain": plain, "since": date(2026, 3, 1)}
    page = Page(f"<body>{render_to_string('compliance/overview/moved.html', values)}</body>")
    assert page.text == said
    assert [word for span in page.all("span") for word in span.attributes["class"].split()[1:]] == colored.split()


def test_the_system_strip_says_which_registries_announce_pushes(reader: Client) -> None:
    made = fleet(1)
    assert "No registry announces pushes: scans find them." in get(reader, "/").text
    endpoint = Hook(made.registry).endpoint
    assert "Webhooks: 1 of 1 registries announce pushes" in get(reader, "/").text
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(unannounced=3)
    assert "; 1 of them not all" in get(reader, "/").text
    Hook(registry("Quay"))
    assert "Webhooks: 2 of 2 registries announce pushes; 1 of them not all" in get(reader, "/").text
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(enabled=False)
    assert "Webhooks: 1 of 2 registries announce pushes " in get(reader, "/").text
    WebhookEndpoint.objects.update(enabled=False)
    assert "No registry announces pushes: scans find them." in get(reader, "/").text
