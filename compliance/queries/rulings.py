"""What the rules said of an image, laid out for its page: the answer, its evidence place by place, the fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanner.across import compare
from scanner.domain.policy import Policy
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Judgement, Outcome, Severity, Verdict
from scanner.report import dump_results
from scanner.rulebook import RULES

_RULES = {rule.id: rule for rule in RULES}
_WORTH_SHOWING = (Outcome.VIOLATED, Outcome.UNKNOWN)
_BEFORE = "before_"
_PLACE = frozenset({"pointer", "path", "line", "text", "layer", "layer_number", "created_by", "config"})
_PERMISSIONS = frozenset({"mode", "listing", "owner", "group"})


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the image that proves something; ``past`` where a later layer has changed it.

    :param mode: as ``stat`` writes it, with ``listing`` as ``ls -l`` does; empty where the place is no file.
    """

    past: bool
    where: str
    line: int | None
    quote: str
    layer: int | None
    layer_digest: str
    config: str
    made_by: str
    mode: str
    listing: str
    owner: str
    rest: tuple[tuple[str, str], ...]

    @property
    def is_file(self) -> bool:
        """Whether it is about a path as a whole, so that a table shows many of them."""
        return self.where.startswith("/") and not (self.line or self.config or self.past)

    @property
    def said(self) -> str:
        """What is wrong there, where the mode does not say it already."""
        return "" if self.listing and self.quote.startswith(self.listing) else self.quote


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
    category: str
    hint: bool

    @property
    def opening(self) -> str:
        """The reason, where the fix does not begin by saying it again in other words."""
        first, _, rest = self.reason.partition(",")
        return "" if rest and self.fix.startswith(first) else self.reason

    @property
    def files(self) -> tuple[Place, ...]:
        """Evidence for a table."""
        return tuple(place for place in self.evidence if place.is_file)

    @property
    def places(self) -> tuple[Place, ...]:
        """Evidence that stands for itself: lines of account files, words of the config."""
        return tuple(place for place in self.evidence if not place.is_file)


@dataclass(frozen=True, slots=True)
class RulingGroup:
    """Rulings under one heading."""

    title: str
    rulings: tuple[Ruling, ...]


def by_category(found: Iterable[Ruling]) -> tuple[RulingGroup, ...]:
    """Rulings by what they ask about; each group in the order given, groups in the order of their first."""
    groups: dict[str, list[Ruling]] = {}
    for ruling in found:
        groups.setdefault(ruling.category, []).append(ruling)
    return tuple(RulingGroup(title, tuple(group)) for title, group in groups.items())


def by_reason(found: Iterable[Ruling]) -> tuple[RulingGroup, ...]:
    """Rulings that say the same, together."""
    groups: dict[str, list[Ruling]] = {}
    for ruling in found:
        groups.setdefault(ruling.reason, []).append(ruling)
    return tuple(RulingGroup(reason, tuple(group)) for reason, group in groups.items())


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
    known = _RULES.get(rule)  # a stored result may be of a rule that is gone
    reason = result["reason"] or ""
    return Ruling(
        rule=rule,
        slug=result["slug"],
        title=known.title if known else result["slug"],
        why=known.why if known else "",
        outcome=result["outcome"],
        severity=result["severity"],
        rank=Severity(result["severity"]).rank,
        decides=rule in failed_on,
        reason=reason,
        fix=(result["fix"] or "").removeprefix(reason).lstrip(),  # the page has just said it
        evidence=tuple(place for item in result["evidence"] for place in _places(item)),
        category=known.category.value if known else "",
        hint=known is not None and not known.decides,
    )


def _places(item: Mapping[str, Any]) -> list[Place]:
    past = {name.removeprefix(_BEFORE): value for name, value in item.items() if name.startswith(_BEFORE)}
    now = {name: value for name, value in item.items() if not name.startswith(_BEFORE)}
    found = [_place({"path": now.get("path"), **past}, past=True)] if any(past.values()) else []
    return [*found, _place(now, past=False)]


def _place(item: Mapping[str, Any], *, past: bool) -> Place:
    shown = _PLACE | _PERMISSIONS if "mode" in item else _PLACE
    rest = ((name, item[name]) for name in item if name not in shown)
    return Place(
        past=past,
        where=str(item.get("path") or item.get("pointer") or ""),
        line=item.get("line"),
        quote=str(item.get("text") or ""),
        layer=item.get("layer_number"),
        layer_digest=str(item.get("layer") or ""),
        config=str(item.get("config") or ""),
        made_by=str(item.get("created_by") or ""),
        mode=str(item.get("mode") or ""),
        listing=str(item.get("listing") or ""),
        owner=f"{item['owner']}:{item['group']}" if item.get("owner") is not None else "",
        rest=tuple((name.replace("_", " "), str(value)) for name, value in rest if value not in (None, "")),
    )
