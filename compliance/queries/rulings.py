"""What the rules said of an image, laid out for its page: the answer, its evidence place by place, the fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanner.across import compare
from scanner.domain.policy import Policy
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Judgement, Outcome, Severity, Verdict
from scanner.report import dump_results
from scanner.rulebook import RULES

_TITLES = {rule.id: rule.title for rule in RULES}
_WHY = {rule.id: rule.why for rule in RULES}
_WORTH_SHOWING = (Outcome.VIOLATED, Outcome.UNKNOWN)
_BEFORE = "before_"
_PLACE = frozenset({"pointer", "path", "line", "text", "layer", "layer_number", "created_by", "config"})


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the image that proves something; ``past`` where a later layer has changed it."""

    past: bool
    where: str
    line: int | None
    quote: str
    layer: int | None
    layer_digest: str
    config: str
    made_by: str
    rest: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule's answer with what it is called."""

    rule: str
    slug: str
    title: str
    why: str
    outcome: str
    severity: str
    rank: int
    decides: bool
    reason: str
    fix: str
    evidence: tuple[Place, ...]


def rulings(document: Mapping[str, Any]) -> tuple[Ruling, ...]:
    """What ``dump_results`` wrote, in the order of the rulebook."""
    failed_on = frozenset(document.get("failed_on", ()))
    return tuple(_ruling(result, failed_on) for result in document.get("results", ()))


def index_rulings(platforms: Sequence[PlatformSummary], policy: Policy) -> tuple[Ruling, ...]:
    """What is wrong, or could not be told, with the platforms of one index beside each other."""
    compared = compare(platforms, policy)
    said = tuple(result for result in compared.results if result.outcome in _WORTH_SHOWING)
    return rulings(dump_results(Judgement(Verdict.FAIL, None, said, compared.deciding(Verdict.FAIL))))


def _ruling(result: Mapping[str, Any], failed_on: frozenset[str]) -> Ruling:
    rule = result["rule"]
    reason = result["reason"] or ""
    return Ruling(
        rule=rule,
        slug=result["slug"],
        title=_TITLES.get(rule, result["slug"]),
        why=_WHY.get(rule, ""),
        outcome=result["outcome"],
        severity=result["severity"],
        rank=Severity(result["severity"]).rank,
        decides=rule in failed_on,
        reason=reason,
        fix=(result["fix"] or "").removeprefix(reason).lstrip(),  # the page has just said it
        evidence=tuple(place for item in result["evidence"] for place in _places(item)),
    )


def _places(item: Mapping[str, Any]) -> list[Place]:
    past = {name.removeprefix(_BEFORE): value for name, value in item.items() if name.startswith(_BEFORE)}
    now = {name: value for name, value in item.items() if not name.startswith(_BEFORE)}
    found = [_place({"path": now.get("path"), **past}, past=True)] if any(past.values()) else []
    return [*found, _place(now, past=False)]


def _place(item: Mapping[str, Any], *, past: bool) -> Place:
    rest = ((name, item[name]) for name in item if name not in _PLACE)
    return Place(
        past=past,
        where=str(item.get("path") or item.get("pointer") or ""),
        line=item.get("line"),
        quote=str(item.get("text") or ""),
        layer=item.get("layer_number"),
        layer_digest=str(item.get("layer") or ""),
        config=str(item.get("config") or ""),
        made_by=str(item.get("created_by") or ""),
        rest=tuple((name.replace("_", " "), str(value)) for name, value in rest if value not in (None, "")),
    )
