"""Remediation on paper: a page for each team, as Chromium prints it."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Visitor
from tests.browser.test_every_page import come_in
from tests.support.remediation import finding_row, findings, own, team
from tests.support.rows import fleet, never_scanned, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_PAGE = re.compile(rb"/Type\s*/Page\b")


@pytest.mark.parametrize("teams", [1, 3])
def test_each_team_is_a_page_of_paper(visitor: Visitor, teams: int) -> None:
    made = fleet(teams)
    for at, home in enumerate(made.repositories):
        own(team(f"Team {at} " + "with a long name " * 3), [home])
        findings([finding_row(home, subject=f"subject {number}") for number in range(25)])
    spare = never_scanned(made.registry, "nobody/knows")
    findings([finding_row(spare, subject=f"subject {number}") for number in range(25)])
    come_in(visitor, user("lea", role="auditor"))
    visitor.go("/remediation/print/?days=90")
    for width in (1280, 390):
        visitor.page.set_viewport_size({"width": width, "height": 900})
        assert visitor.barriers() == []
        assert visitor.overflow() == 0
    printed = visitor.page.pdf(format="A4")
    assert len(_PAGE.findall(printed)) == teams + 1  # and what no team owns
    visitor.page.emulate_media(media="print")
    assert "/remediation/print/?days=90" in visitor.page.locator(".team-page").last.inner_text()
    assert not visitor.complaints
