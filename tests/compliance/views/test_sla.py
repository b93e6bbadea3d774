"""The terms: everybody reads them, administrators change them and see before what moves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from compliance.models import Finding, SlaTerm
from compliance.services import save_terms as saving
from compliance.services.write_findings import sla_terms
from compliance.views import sla
from tests.support.pages import get, get_part
from tests.support.remediation import finding
from tests.support.rows import NOW, fleet

FIELDS = {
    f"days-{rank}-{name}": days
    for rank, both in enumerate((("7", "14"), ("14", "30"), ("30", "60"), ("90", "180"), ("", "")))
    for name, days in zip(("protected", "other"), both, strict=True)
}
URL = "/settings/sla/"


def test_everybody_reads_them(reader: Client) -> None:
    page = get(reader, URL)
    assert "critical 7 days 14 days" in page.text
    assert "info no due date no due date" in page.text
    assert not page.all("input", type="number")
    assert reader.post(URL, FIELDS).status_code == 403
    assert reader.post(f"{URL}preview/", FIELDS).status_code == 403


def test_the_form_holds_what_is_stored(admin: Client) -> None:
    page = get(admin, URL)
    assert {each.attributes["name"]: each.attributes.get("value", "") for each in page.all("input", type="number")} == (
        FIELDS
    )


@pytest.mark.parametrize("htmx", [False, True])
def test_preview_and_save(admin: Client, htmx: bool) -> None:
    row = finding(fleet(1).repositories[0])
    wanted = {**FIELDS, "days-0-other": "3"}
    headers = {"HX-Request": "true"} if htmx else {}
    said = admin.post(f"{URL}preview/", wanted, headers=headers)
    assert "Moves 1 due date, 1 becomes overdue." in said.content.decode()
    assert ("<html" in said.content.decode()) != htmx
    assert Finding.objects.get().due_at == row.due_at
    assert "1 due date moved" in admin.post(URL, wanted, follow=True).content.decode()
    assert Finding.objects.get().due_at == NOW - timedelta(days=7)
    assert sla_terms()[(0, False)] == 3


@pytest.mark.parametrize("value", ["0", "-1", "3651", "x", "1.5", "9" * 30, "\0"])
def test_days_that_are_none(admin: Client, value: str) -> None:
    for url in (URL, f"{URL}preview/"):
        response = admin.post(url, {**FIELDS, "days-0-other": value})
        assert response.status_code == 422
        assert "Ensure this value" not in response.content.decode()
        assert "whole numbers from 1 to 3,650" in response.content.decode()
    assert sla_terms()[(0, False)] == 14


def test_what_a_worker_has_not_done_yet_is_said(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[object] = []
    monkeypatch.setattr(sla, "ring", rung.extend)
    monkeypatch.setattr(saving, "_BATCH", 1)
    monkeypatch.setattr(saving, "AT_ONCE", 1)
    for subject in "abc":
        finding(fleet(1, name=subject).repositories[0], subject=subject)
    said = admin.post(URL, {**FIELDS, "days-0-other": "30"}, follow=True).content.decode()
    assert "3 due dates move, the last of them within minutes" in said
    assert "2 due dates do not say yet what the terms say" in said
    assert len(rung) == 1


def test_without_any_term(admin: Client) -> None:
    SlaTerm.objects.all().delete()
    assert admin.get(URL).status_code == 200


def test_a_repository_says_whether_it_keeps_its_baseline(reader: Client, admin: Client) -> None:
    home = fleet(1).repositories[0]
    finding(home)
    url = "/r/harbor/team/app-0000/-/"
    assert "There is no baseline" in get(reader, f"{url}owner/").text
    assert not get(reader, url).all("section", aria_labelledby="t-baseline")
    reader.post(f"{url}baseline/", {"do": "set"})
    assert "Set the baseline anew" in get(reader, f"{url}owner/").text
    page = get(reader, url)
    assert "Nothing new since 10 Mar 2026: kept. 1 finding of before is part of the baseline" in page.text
    finding(home, subject="later")
    page = get(reader, url)
    (link,) = [each for each in page.all("a") if each.text == "1 finding" and "new-since" in each.attributes["href"]]
    assert len(get(reader, link.attributes["href"]).all("tr", data_row="")) == 1
    assert "cleared: 1 finding due" in reader.post(f"{url}baseline/", {"do": "clear"}, follow=True).content.decode()
    assert reader.post("/r/harbor/nothing/-/baseline/").status_code == 404
    assert "baseline" not in get_part(reader, url)
