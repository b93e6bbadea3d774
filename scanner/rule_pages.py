"""The rulebook as Markdown, text and JSON: one source for ``docs/rules.md``, the terminal and other programs."""

from __future__ import annotations

from typing import Any

from scanner.domain.rule import Category, Example, Link, Rule
from scanner.domain.score import FORMULA
from scanner.domain.verdict import Severity
from scanner.judge import counts_against
from scanner.policies import POLICIES
from scanner.rulebook import RULES

Json = dict[str, Any]

_INTRODUCTION = """\
# Rules

Each rule answers *ok*, *violated*, *unknown* or *not applicable*. A policy says which violations make an image \
*fail*. A rule it fails on that cannot tell makes the image *unknown*, which is never a pass.

This page is written by `python -m scanner rules --format markdown`."""


def as_json() -> Json:
    """The rulebook as plain values."""
    return {"schema": 1, "rules": [_json(rule) for rule in RULES], "policies": [policy.name for policy in POLICIES]}


def as_text() -> str:
    """One line per rule."""
    widest = max(len(rule.slug) for rule in RULES)
    lines = (f"{rule.id}  {rule.severity.value:<8}  {rule.slug:<{widest}}  {rule.title}" for rule in RULES)
    return "\n".join(lines) + "\n"


def as_markdown() -> str:
    """The page ``docs/rules.md``."""
    parts = [_INTRODUCTION, *map(_overview, Category), "## Score\n\n" + FORMULA]
    for category in Category:
        parts += [f"## {category.value}", *map(_page, _rules_of(category))]
    return "\n\n".join(parts) + "\n"


def failing_policies(rule: Rule) -> list[str]:
    """Names of the shipped policies under which a violation makes the verdict *fail*."""
    return [policy.name for policy in POLICIES if counts_against(policy, rule, rule.severity)]


def _rules_of(category: Category) -> list[Rule]:
    return [rule for rule in RULES if rule.category is category]


def _overview(category: Category) -> str:
    heading = f"**{category.value}:** {_QUESTIONS[category]}\n"
    head = [heading, "| rule | title | severity | " + " | ".join(policy.name for policy in POLICIES) + " |"]
    head.append("|---|---|---|" + "---|" * len(POLICIES))
    rows = [
        f"| [{rule.id}](#{rule.id.lower()}-{rule.slug}) {rule.slug} | {rule.title} | {rule.severity.value} | "
        + " | ".join(_cell(rule, name) for name in (policy.name for policy in POLICIES))
        + " |"
        for rule in _rules_of(category)
    ]
    return "\n".join([*head, *rows])


_QUESTIONS = {
    Category.IDENTITY: "who does it run as?",
    Category.ACCOUNTS: "can its account files be trusted?",
    Category.ARBITRARY_UID: "does it work as a uid nobody foresaw, with group 0, as OpenShift runs it?",
    Category.PRIVILEGES: "what could give root back to it?",
    Category.HABITS: "what does history tell of how it was built? These never decide a verdict.",
}


def _cell(rule: Rule, policy_name: str) -> str:
    policy = next(policy for policy in POLICIES if policy.name == policy_name)
    setting = policy.setting(rule.id)
    if not setting.enabled:
        return "off"
    if policy_name in failing_policies(rule):
        words = "fails"
    else:
        words = "shown" if (setting.severity or rule.severity) is Severity.INFO else "counted"
    return f"{words}, from {setting.threshold}" if setting.threshold is not None else words


def _page(rule: Rule) -> str:
    parts = [
        f"### {rule.id} {rule.slug}",
        f"**{rule.title}.** {rule.why}",
        f"Severity: {rule.severity.value}.{_threshold(rule)}{'' if rule.decides else ' It never decides a verdict.'}",
        f"How it is decided: {rule.decided}",
        _example("Violates", rule.violating),
        _example("Fine", rule.fine),
        "From: " + "; ".join(_link(link) for link in rule.references) + ".",
    ]
    return "\n\n".join(parts)


def _threshold(rule: Rule) -> str:
    return "" if rule.threshold is None else f" Threshold: {rule.threshold}, {rule.threshold_means}."


def _example(word: str, example: Example) -> str:
    language = "json" if example.dockerfile.startswith("{") else "dockerfile"
    return f"{word}: {example.title}.\n\n```{language}\n{example.dockerfile}\n```"


def _link(link: Link) -> str:
    return f"[{link.title}]({link.url})" if link.url else link.title


def _json(rule: Rule) -> Json:
    return {
        "id": rule.id,
        "slug": rule.slug,
        "title": rule.title,
        "category": rule.category.value,
        "why": rule.why,
        "severity": rule.severity.value,
        "decided": rule.decided,
        "decides": rule.decides,
        "threshold": rule.threshold,
        "threshold_means": rule.threshold_means,
        "references": [{"title": link.title, "url": link.url} for link in rule.references],
        "violating": {"title": rule.violating.title, "dockerfile": rule.violating.dockerfile},
        "fine": {"title": rule.fine.title, "dockerfile": rule.fine.dockerfile},
        "fails_under": failing_policies(rule),
    }
