from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanner import rules
from scanner.domain.rule import Category, Finding, PlatformSummary, Rule
from scanner.domain.verdict import Outcome, Verdict
from scanner.rule_pages import as_json, as_markdown, as_text
from scanner.rulebook import RULES
from tests.support.violations import VIOLATIONS

ROOT = Path(__file__).resolve().parents[2]
RULE_FILES = sorted(path.stem for path in Path(rules.__path__[0]).glob("nr*.py"))
THE_RULES = (
    *("NR101", "NR102", "NR103", "NR104", "NR105", "NR106", "NR107", "NR108", "NR109", "NR110"),
    *("NR111", "NR112", "NR113", "NR114", "NR115"),
    *("NR201", "NR202", "NR203", "NR204", "NR205"),
    *("NR301", "NR302", "NR303", "NR304", "NR305", "NR306", "NR307", "NR308"),
    *("NR401", "NR402", "NR403", "NR404", "NR405"),
    *("NR501", "NR502", "NR503"),
)
HINTS_AND_HABITS = {"NR115", "NR501", "NR502", "NR503"}
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def stem(rule: Rule) -> str:
    return f"{rule.id.lower()}_{rule.slug.replace('-', '_')}"


def test_every_rule_exists_once() -> None:
    assert tuple(rule.id for rule in RULES) == THE_RULES


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
    assert len({link.title for link in rule.references}) == len(rule.references) >= 2
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


@every_rule
def test_has_a_section_below_its_category(rule: Rule) -> None:
    page = as_markdown()
    section = page.index(f"\n### {rule.id} {rule.slug}\n")
    below = [category for category in Category if 0 <= page.find(f"\n## {category.value}\n") < section]
    assert below[-1] is rule.category
    text = page[section:].split("\n### ")[1]
    assert all(part in text for part in (rule.title, rule.why, rule.decided, "Violates: ", "Fine: ", "From: "))


@every_rule
def test_proposes_a_fix(rule: Rule) -> None:
    finding = violation_of(rule)
    assert (finding.outcome, bool(finding.reason), bool(finding.evidence)) == (Outcome.VIOLATED, True, True)
    assert len(finding.fix) > 40
    assert finding.fix.count("```") % 2 == 0


def violation_of(rule: Rule) -> Finding:
    if rule.across is None:
        return rule.check(VIOLATIONS[rule.id], rule.threshold)
    platforms = [
        PlatformSummary("linux/amd64", "sha256:1", Verdict.PASS, "1001:1001"),
        PlatformSummary("linux/arm64", "sha256:2", Verdict.FAIL, "0:0"),
    ]
    return rule.across(platforms)


def test_only_hints_and_habits_never_decide() -> None:
    assert {rule.id for rule in RULES if not rule.decides} == HINTS_AND_HABITS


def test_ids_and_slugs_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.slug for rule in RULES}) == len(RULES)


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "run: python -m scanner rules --format markdown > docs/rules.md"


def test_lists() -> None:
    assert len(as_text().splitlines()) == len(RULES)
    listed = as_json()["rules"]
    assert [rule["id"] for rule in listed] == [rule.id for rule in RULES]
    assert [rule["category"] for rule in listed] == [rule.category.value for rule in RULES]
    assert [rule["decides"] for rule in listed] == [rule.decides for rule in RULES]
