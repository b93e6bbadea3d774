"""The versions of a policy, and two of them side by side."""

from __future__ import annotations

import pytest
from django.test import Client

from compliance.models import Policy, PolicyVersion
from compliance.services.save_policy import save_policy
from tests.support.pages import get
from tests.support.rows import NOW, policy_version

URL = "/policies/kubernetes/history/"


def versions(count: int) -> None:
    """Versions of the policy *kubernetes*, one threshold each."""
    policy_version()
    for number in range(1, count):
        policy = Policy.objects.select_related("current").get(name="kubernetes")
        assert policy.current is not None
        setting = {"enabled": True, "fails": True, "severity": None, "threshold": number}
        document = {**policy.current.document, "rules": {**policy.current.document["rules"], "NR107": setting}}
        save_policy(policy, document, based_on=number, by=None, now=NOW, note=f"Number {number + 1}")


def test_every_version_says_what_it_changed(reader: Client) -> None:
    versions(3)
    page = get(reader, URL)
    rows = [row.text for row in page.rows]
    assert [row.split()[0] for row in rows] == ["3", "2", "1"]
    assert "counts now" in rows[0]
    assert "Number 3 threshold of NR107: 2, was 1" in rows[0]
    assert "Number 2 NR107 fails the image threshold of NR107: 1, was 1000" in rows[1]
    assert "The first version." in rows[2]
    assert not page.all("a", class_="button")


def test_two_versions_side_by_side(admin: Client) -> None:
    versions(3)
    page = get(admin, f"{URL}?a=1&b=3")
    compared = page.all("section", id="compared")[0].text
    assert "NR107 fails the image" in compared
    assert "threshold 1000 2" in compared
    assert page.all("a", href="/policies/kubernetes/edit/?from=1")[0].text == "Restore 1…"
    back = get(admin, f"{URL}?a=3&b=1").all("section", id="compared")[0].text
    assert "NR107 does not fail the image any more" in back


def test_a_version_beside_itself(reader: Client) -> None:
    versions(2)
    assert "one and the same version" in get(reader, f"{URL}?a=2&b=2").text


def test_versions_that_differ_in_nothing_that_counts(reader: Client) -> None:
    versions(1)
    first = PolicyVersion.objects.get(policy__name="kubernetes")
    PolicyVersion.objects.create(policy=first.policy, number=2, document=first.document, created_at=NOW)
    assert "Both judge every image alike" in get(reader, f"{URL}?a=1&b=2").text


@pytest.mark.parametrize("query", ["?a=1&b=9", "?a=x&b=1", "?a=1", "?a=٣&b=1", f"?a={'1' * 30}&b=1"])
def test_versions_that_do_not_exist_are_not_compared(reader: Client, query: str) -> None:
    versions(2)
    assert not get(reader, URL + query).all("section", id="compared")


def test_pages(reader: Client) -> None:
    versions(25)
    page = get(reader, f"{URL}?page=2")
    assert len(page.rows) == 5
    assert "Number 5 threshold of NR107: 4, was 3" in page.rows[0].text
