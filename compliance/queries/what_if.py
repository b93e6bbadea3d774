"""What would happen if somebody started an image so: its stored facts and a start in, a page out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from compliance.access import Actor
from compliance.queries.image import readable_facts, tags_of
from compliance.queries.image_facts import PLATFORM_NAMES, PlatformAnswer, StepView, answer_kind
from compliance.queries.led_to import images_for
from compliance.queries.tags import TagRow
from scanner.domain.facts import ImageFacts
from scanner.domain.reference import InvalidReference, parse_digest
from scanner.domain.start import Start
from scanner.whatif import Outcome, what_if
from scanner.whatif.document import as_document
from scanner.whatif.fix import fix_of

Json = Mapping[str, Any]

_ROLES: Final = {"home": "HOME", "workdir": "WORKDIR", "volume": "VOLUME", "temporary": "temporary files"}
_ON_FOLDERS: Final = {"read": "list", "write": "write in", "execute": "enter"}
_REFUSERS: Final = {
    "kubernetes-api": "The Kubernetes API refuses it",
    "openshift-admission": "OpenShift refuses it",
    "kubelet": "kubelet refuses it",
    "engine": "The engine cannot unpack it",
}
_OUTCOMES: Final = {
    Outcome.FINE: ("pass", "Works", "It starts, and all that worked still works."),
    Outcome.BREAKS: ("fail", "Breaks", "It starts, and something that worked does not."),
    Outcome.STOPPED: ("fail", "Does not start", "It does not start."),
    Outcome.UNKNOWN: ("unknown", "Not known", "It is not known what happens."),
}
_ROOT: Final = ("none", "Works, as root", "It starts as root, uid 0: what works says nothing about what it may break.")


@dataclass(frozen=True, slots=True)
class Who:
    """Who it is, or why it is nobody."""

    uid: int | None
    gid: int | None
    groups: tuple[int, ...]
    home: str
    error: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Something it cannot do.

    :param what: a verb and where; ``path`` is the place that refuses.
    """

    what: str
    path: str
    mode: str
    owner: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer, laid out."""

    kind: str
    word: str
    sentence: str
    error: str
    refused_by: str
    now: Who | None
    then: Who | None
    host: str
    lost: tuple[Loss, ...]
    never: tuple[Loss, ...]
    inert: tuple[str, ...]
    inert_count: int
    platforms: tuple[PlatformAnswer, ...]
    steps: tuple[StepView, ...]
    unknown: tuple[str, ...]
    assumptions: tuple[str, ...]
    fix: str

    @property
    def people(self) -> tuple[tuple[str, Who], ...]:
        """Who it is now and under the start, in the order of a table."""
        named = (("As the image declares", self.now), ("With this start", self.then))
        return tuple((name, who) for name, who in named if who is not None)


@dataclass(frozen=True, slots=True)
class WhatIfPage:
    """One image to ask about; ``obstacle`` says why it cannot be asked."""

    digest: str
    platform: str
    obstacle: str
    tags: tuple[TagRow, ...]
    answer: Answer | None


def what_if_page(text: str, start: Start | None, actor: Actor) -> WhatIfPage | None:
    """The answer of one image; ``None`` where there is none that somebody may see, or it is an index.

    :param start: ``None`` where nothing is asked yet.
    """
    try:
        digest = parse_digest(text)
    except InvalidReference:
        return None
    image = images_for(actor).defer("config_document").filter(digest=digest).first()
    if image is None:
        return None
    tags, _ = tags_of(Q(image=image), actor)
    facts, unreadable = readable_facts(image)
    obstacle = image.artifact or image.problem_message or (unreadable.message if unreadable else "")
    answer = answer_of(facts, start) if facts is not None and start is not None else None
    return WhatIfPage(image.digest, image.platform, "" if facts is not None else obstacle, tags, answer)


def answer_of(facts: ImageFacts, start: Start) -> Answer:
    """Ask the engine and lay out what it says; every string of the document is safe to show."""
    found = what_if(facts, start)
    said = as_document(found)
    then = _who(said["identity"])
    works_as_root = found.outcome is Outcome.FINE and then is not None and then.uid == 0
    kind, word, sentence = _ROOT if works_as_root else _OUTCOMES[found.outcome]
    effects: Json = said["consequences"] or {}
    inert: Json = effects.get("setuid_inert") or {"count": 0, "examples": ()}
    return Answer(
        kind=kind,
        word=word,
        sentence=said["not_applicable"] or sentence,
        error=said["error"] or "",
        refused_by=_REFUSERS.get(said["refused_by"] or "", ""),
        now=_who(said["declared"]),
        then=then,
        host="" if said["host"] is None else f"uid {said['host']['uid']}, gid {said['host']['gid']}",
        lost=tuple(_lost(effects)),
        never=tuple(_never(effects)),
        inert=tuple(inert["examples"]),
        inert_count=inert["count"],
        platforms=tuple(_platform(name, answer) for name, answer in said["platforms"].items()),
        steps=tuple(_step(step) for step in said["derivation"]),
        unknown=tuple(effects.get("unknown", ())),
        assumptions=tuple(effects.get("assumptions", ())),
        fix=fix_of(facts, found),
    )


def _who(identity: Json | None) -> Who | None:
    if identity is None:
        return None
    if "error" in identity:
        return Who(None, None, (), "", identity["error"])
    return Who(identity["uid"], identity["gid"], tuple(identity["groups"]), identity["home"], "")


def _platform(name: str, answer: Json) -> PlatformAnswer:
    said, message = str(answer["answer"]), str(answer["message"])
    return PlatformAnswer(PLATFORM_NAMES.get(name, name), said, answer_kind(said, message), message)


def _step(step: Json) -> StepView:
    return StepView(step["text"], step.get("path") or "", step.get("line"), step.get("quote") or "", None, "")


def _lost(effects: Json) -> Iterator[Loss]:
    for use in effects.get("paths", ()):
        yield from (_path(use, access) for access in use["lost"])
    for tree in effects.get("trees", ()):
        yield from _tree(tree)
    for path in effects.get("stopped_by_capabilities", ()):
        yield Loss("execute", path, "", "", "it carries capabilities this start does not have")


def _never(effects: Json) -> Iterator[Loss]:
    for use in effects.get("paths", ()):
        if "write" in use["refusals"] and "write" not in use["lost"]:
            yield _path(use, "write")


def _path(use: Json, access: str) -> Loss:
    moved = "" if use["path"] == use["declared_path"] else f"was {use['declared_path']}"
    denied = use["refusals"][access]
    note = ", ".join(part for part in (moved, "does not exist" if denied["missing"] else "") if part)
    what = f"{_ON_FOLDERS[access]} {_ROLES[use['role']]} {use['path']}"
    return Loss(what, denied["path"], denied["mode"] or "", _owner(denied), note)


def _tree(tree: Json) -> Iterator[Loss]:
    least = "at least " if tree["at_least"] else ""
    entries = tree["kind"] if tree["count"] == 1 else f"{tree['kind']}s"
    what = f"{tree['lost']} {least}{tree['count']:,} {entries} below {tree['path']}"
    for found in tree["classes"]:
        yield Loss(
            what, ", ".join(found["examples"]), found["mode"] or "", _owner(found), f"{found['count']:,} of them"
        )


def _owner(node: Json) -> str:
    return "" if node["uid"] is None else f"{node['uid']}:{node['gid']}"
