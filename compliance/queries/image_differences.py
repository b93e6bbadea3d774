"""What two images say otherwise: who they run as, their configs, their layers, and what the rules make of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.queries.image_facts import FactsView, LayerRow, RuntimeAnswer, StepView, facts_view
from compliance.queries.rulings import Ruling
from scanner.domain.facts import ImageFacts
from scanner.domain.image_config import ImageConfig
from scanner.domain.printable import printable

MOST_SHOWN: Final = 100
_LONGEST: Final = 300
_WEIGHT: Final = {"violated": 2, "unknown": 1}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing both images may have; empty where one of them has none of it."""

    what: str
    was: str
    became: str

    @property
    def changed(self) -> bool:
        """Whether they differ in it."""
        return self.was != self.became


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """A rule that answers otherwise; ``severity`` is of the side that violates it."""

    rule: str
    title: str
    severity: str
    was: str
    became: str
    decides: bool
    rank: int

    @property
    def worse(self) -> bool:
        """Whether the second image is the worse one."""
        return _WEIGHT.get(self.became, 0) > _WEIGHT.get(self.was, 0)

    @property
    def better(self) -> bool:
        """Whether the second image is known to be the better one; what nobody could prove is no improvement."""
        return not self.worse and self.became != "unknown"


@dataclass(frozen=True, slots=True)
class LayerDifference:
    """Where the histories part.

    :param same: steps at the beginning that both share, ``same_layers`` of them layers.
    :param was: the steps after these, at most ``MOST_SHOWN``; ``was_more`` are left out.
    """

    same: int
    same_layers: int
    was: tuple[LayerRow, ...]
    became: tuple[LayerRow, ...]
    was_more: int = 0
    became_more: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the second image runs as somebody else, and the step of its history that made it so, where that is known."""

    text: str
    step: LayerRow | None = None


@dataclass(frozen=True, slots=True)
class Differences:
    """The second image against the first.

    :param identity: all of it, changed or not; ``answers`` of platforms, and of runtimes where these
        differ from Docker's, only what changed.
    :param config: only what changed, at most ``MOST_SHOWN``; ``config_more`` are left out.
    :param kept: ids of the rules that both violate.
    """

    was: FactsView
    became: FactsView
    cause: Cause
    identity: tuple[Difference, ...]
    answers: tuple[Difference, ...]
    config: tuple[Difference, ...]
    config_more: int
    rules: tuple[RuleDifference, ...]
    kept: tuple[str, ...]
    layers: LayerDifference


def compare_images(
    was: ImageFacts, became: ImageFacts, was_rulings: Sequence[Ruling], became_rulings: Sequence[Ruling]
) -> Differences:
    """Hold the second image against the first; rulings are of the same policy version."""
    one, other = facts_view(was), facts_view(became)
    config = [row for row in _config(was.config, became.config) if row.changed]
    return Differences(
        was=one,
        became=other,
        cause=_cause(one, other),
        identity=tuple(_identity(one, other)),
        answers=tuple(row for row in _answers(one, other) if row.changed),
        config=tuple(config[:MOST_SHOWN]),
        config_more=max(0, len(config) - MOST_SHOWN),
        rules=_rules(was_rulings, became_rulings),
        kept=_kept(was_rulings, became_rulings),
        layers=_layers(was, became, one, other),
    )


def _identity(one: FactsView, other: FactsView) -> Iterator[Difference]:
    yield Difference("Runs as", _who(one.docker), _who(other.docker))
    yield Difference("Declared", _declared(one), _declared(other))
    yield Difference("Resolved by", _resolved(one.resolved), _resolved(other.resolved))
    yield Difference("Groups", _groups(one.docker), _groups(other.docker))
    yield Difference("Home", one.docker.home or "–", other.docker.home or "–")


def _who(answer: RuntimeAnswer) -> str:
    return f"does not start: {answer.error}" if answer.error else f"uid {answer.uid}, gid {answer.gid}"


def _declared(view: FactsView) -> str:
    return f"USER {view.declared}" if view.declared else "no USER"


def _resolved(step: StepView | None) -> str:
    if step is None:
        return "no account line"
    layer = f" in layer {step.layer}" if step.layer else ""
    return f"{step.path} line {step.line}{layer}: {step.quote}"


def _groups(answer: RuntimeAnswer) -> str:
    return ", ".join(map(str, answer.groups)) or "none besides the primary"


def _answers(one: FactsView, other: FactsView) -> Iterator[Difference]:
    usual = (_who(one.docker), _who(other.docker))
    for was, became in zip(one.runtimes[1:], other.runtimes[1:], strict=True):
        if (_who(was), _who(became)) != usual:
            yield Difference(was.name, _who(was), _who(became))
    for said, says in zip(one.platforms, other.platforms, strict=True):
        yield Difference(said.name, said.word, says.word)


def _config(one: ImageConfig, other: ImageConfig) -> Iterator[Difference]:
    yield _pair("Platform", str(one.platform), str(other.platform))
    yield _pair("Entrypoint", _words(one.entrypoint), _words(other.entrypoint))
    yield _pair("Command", _words(one.cmd), _words(other.cmd))
    yield _pair("Works in", one.working_dir or "/", other.working_dir or "/")
    yield from _named("Environment", _environment(one), _environment(other))
    yield from _named("Port", dict.fromkeys(one.exposed_ports, "open"), dict.fromkeys(other.exposed_ports, "open"))
    yield from _named("Volume", dict.fromkeys(one.volumes, "there"), dict.fromkeys(other.volumes, "there"))
    yield from _named("Label", dict(one.labels), dict(other.labels))


def _environment(config: ImageConfig) -> dict[str, str]:
    return {name: value for name, _, value in (item.partition("=") for item in config.env)}


def _named(what: str, one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*one, *other}):
        yield _pair(f"{what} {_safe(name)}", one.get(name), other.get(name))


def _pair(what: str, was: str | None, became: str | None) -> Difference:
    shown, shows = ("" if side is None else _safe(side) or "empty" for side in (was, became))
    # What differs only where it is cut, or in what cannot be shown, differs all the same.
    return Difference(what, shown, f"{shows} (differs further on)" if shown == shows and was != became else shows)


def _safe(text: str) -> str:
    return printable(text, longest=_LONGEST)


def _words(words: tuple[str, ...] | None) -> str | None:
    return json.dumps(words, ensure_ascii=False) if words else None


def _rules(was: Iterable[Ruling], became: Iterable[Ruling]) -> tuple[RuleDifference, ...]:
    before = {ruling.rule: ruling for ruling in was}
    found = [
        _rule(before[now.rule], now)
        for now in became
        # To be fine and not to apply weigh the same.
        if now.rule in before and _WEIGHT.get(before[now.rule].outcome, 0) != _WEIGHT.get(now.outcome, 0)
    ]
    return tuple(sorted(found, key=lambda row: (not row.worse, not row.decides, row.rank, row.rule)))


def _rule(was: Ruling, became: Ruling) -> RuleDifference:
    worse = became if became.outcome == "violated" else was
    severity = worse.severity if worse.outcome == "violated" else ""
    return RuleDifference(
        became.rule, became.title, severity, was.outcome, became.outcome, was.decides or became.decides, worse.rank
    )


def _kept(was: Iterable[Ruling], became: Iterable[Ruling]) -> tuple[str, ...]:
    before = {ruling.rule for ruling in was if ruling.outcome == "violated"}
    return tuple(ruling.rule for ruling in became if ruling.outcome == "violated" and ruling.rule in before)


def _layers(was: ImageFacts, became: ImageFacts, one: FactsView, other: FactsView) -> LayerDifference:
    keys = zip(_keys(was, one.layers), _keys(became, other.layers), strict=False)
    same = next((at for at, (left, right) in enumerate(keys) if left != right), min(len(one.layers), len(other.layers)))
    left, right = one.layers[same:], other.layers[same:]
    return LayerDifference(
        same,
        sum(row.number is not None for row in one.layers[:same]),
        left[:MOST_SHOWN],
        right[:MOST_SHOWN],
        max(0, len(left) - MOST_SHOWN),
        max(0, len(right) - MOST_SHOWN),
    )


def _keys(facts: ImageFacts, rows: Iterable[LayerRow]) -> Iterator[tuple[str, str]]:
    """What a step is known by: a layer by what it unpacks to, since the same can be compressed in two ways."""
    for row in rows:
        number = row.number
        yield ("config", row.created_by) if number is None else ("layer", facts.layers[number - 1].diff_id)


def _cause(one: FactsView, other: FactsView) -> Cause:
    if _who(one.docker) == _who(other.docker):
        return Cause("")
    if one.declared != other.declared:
        step = next((row for row in other.layers if row.sets_user), None)
        return Cause(f"The config asks for another user: {_declared(one)} became {_declared(other)}.", step)
    if _resolved(one.resolved) != _resolved(other.resolved):
        place = other.resolved or one.resolved
        path = place.path if place else ""
        return Cause(f"The same USER is resolved by another line of {path}.", _decides(other, other.resolved))
    return Cause("The same USER leads to another identity; the derivations say why.")


def _decides(view: FactsView, resolved: StepView | None) -> LayerRow | None:
    return next((row for row in view.layers if resolved and row.number == resolved.layer), None)
