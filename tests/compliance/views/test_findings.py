"""The inbox, seen in its HTML."""

from __future__ import annotations

from django.test import Client

from tests.support.pages import get
from tests.support.remediation import finding
from tests.support.rows import fleet


def test_a_finding_is_a_row(reader: Client) -> None:
    made = fleet(1)
    finding(made.repositories[0])
    page = get(reader, "/findings/")
    assert len(page.rows) == 1
    for group in ("rule", "repository", "team", "registry"):
        assert get(reader, f"/findings/?group={group}").rows
