from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanner import rules
from scanner.domain.rule import Rule
from scanner.rule_pages import as_json, as_markdown, as_text
from scanner.rulebook import RULES

ROOT = Path(__file__).resolve().parents[2]
RULE_FILES = sorted(path.stem for path in Path(rules.__path__[0]).glob("nr*.py"))
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def stem(rule: Rule) -> str:
    return f"{rule.id.lower()}_{rule.slug.replace('-', '_')}"


def test_every_rule_file_is_in_the_rulebook_and_in_order() -> None:
    assert [stem(rule) for rule in RULES] == RULE_FILES


@every_rule
def test_metadata(rule: Rule) -> None:
    assert re.fullmatch(r"NR\d{3}", rule.id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.slug)
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert rule.why.count(".") == 1
    assert rule.why.endswith(".")
    assert rule.decided.endswith(".")
    assert rule.references
    assert (rule.threshold is None) is (rule.threshold_means == "")


@every_rule
def test_examples_differ(rule: Rule) -> None:
    assert rule.violating.dockerfile
    assert rule.fine.dockerfile
    assert rule.violating.dockerfile != rule.fine.dockerfile


@every_rule
def test_has_a_test_file_of_its_own(rule: Rule) -> None:
    assert (ROOT / "tests" / "scanner" / "rules" / f"test_{stem(rule)}.py").is_file()


@every_rule
def test_links_are_https(rule: Rule) -> None:
    for link in rule.references:
        assert link.title
        assert not link.url or link.url.startswith("https://")


def test_ids_and_slugs_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.slug for rule in RULES}) == len(RULES)


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "run: python -m scanner rules --format markdown > docs/rules.md"


def test_lists() -> None:
    assert len(as_text().splitlines()) == len(RULES)
    assert [rule["id"] for rule in as_json()["rules"]] == [rule.id for rule in RULES]
