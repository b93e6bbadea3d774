"""Rules and policies."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.test import Client

from scanner.rulebook import RULES
from tests.support.pages import get
from tests.support.rows import fleet, policy_version


def test_every_rule_is_listed_with_the_tags_that_violate_it(reader: Client) -> None:
    fleet(2)
    page = get(reader, "/rules/")
    counts = {a.attributes["href"]: a.text for a in page.all("a") if "?rule=" in a.attributes.get("href", "")}
    assert len(counts) == len(RULES)
    for href, count in counts.items():
        assert len(get(reader, href).rows if count != "0" else []) == int(count), href


def test_counting_stops_somewhere_and_says_so(reader: Client) -> None:
    fleet(4)
    with patch("compliance.queries.rules.MOST_OF_EACH", 2):
        assert get(reader, "/rules/").all("a", href="/tags/?rule=NR202")[0].text == "2+"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.id))
def test_every_rule_has_a_page(reader: Client, rule: object) -> None:
    found = next(each for each in RULES if each is rule)
    page = get(reader, f"/rules/{found.id}/")
    for text in (found.title, found.violating.title, found.fine.title, found.references[0].title):
        assert " ".join(text.split()) in page.text


@pytest.mark.parametrize("rule", ["NR999", "nr101", "x"])
def test_rules_that_do_not_exist(reader: Client, rule: str) -> None:
    get(reader, f"/rules/{rule}/", status=404)


def test_a_rule_says_what_each_policy_makes_of_it(reader: Client) -> None:
    policy_version()
    text = get(reader, "/rules/NR107/").text
    assert "strict fails the image" in text
    assert "baseline lowers the score" in text
