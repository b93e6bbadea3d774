"""What the bytes of an image say, laid out for its page: identities, platforms, derivation, layers, config."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from scanner.domain.declared_base import DeclaredBase
from scanner.domain.evidence import layer_number, made_by
from scanner.domain.facts import ImageFacts, Layer
from scanner.domain.identity import Runtime
from scanner.domain.image_config import ImageConfig
from scanner.domain.printable import printable
from scanner.domain.rule import Link
from scanner.domain.runtime_versions import VersionNote, version_notes
from scanner.report import derivation, identities, platform_answers, verdict_sentence

_RUNTIMES = {
    Runtime.DOCKER: "Docker",
    Runtime.DOCKER_LEGACY: "Docker with runc 1.1",
    Runtime.CONTAINERD: "containerd",
    Runtime.CRIO: "Kubernetes with CRI-O",
    Runtime.PODMAN: "Podman",
    Runtime.KUBERNETES: "Kubernetes with containerd",
}
PLATFORM_NAMES = {
    "docker-run": "docker run",
    "podman-run": "podman run",
    "kubernetes-run-as-non-root": "runAsNonRoot: true",
    "kubernetes-run-as-non-root-before-1.34": "runAsNonRoot: true, before Kubernetes 1.34",
    "pod-security-restricted": "Pod Security “restricted”",
    "openshift-restricted-v2": "OpenShift restricted-v2",
    "openshift-restricted-v3": "OpenShift restricted-v3",
    "user-namespace": "User namespace",
}
"""What a platform is called on pages, by its name in reports."""

_ANSWERS = {"admit": "pass", "refuse": "fail"}
_QUALIFIED = {"none": "admit, as root", "warn": "admit, but"}
_COMPARED = {"error": "start", "uid": "uid", "gid": "gid", "groups": "groups", "home": "HOME"}
_NO_START = "the container does not start"
_AS_ROOT = "it starts as root, "
_BREAKS_LATER = ", whatever USER says, but "


@dataclass(frozen=True, slots=True)
class RuntimeAnswer:
    """Who it runs as under one runtime, or why it does not start.

    :param differs: what is not as under Docker, in words, or empty; ``reason`` is the step that makes it so.
    """

    name: str
    uid: int | None
    gid: int | None
    groups: tuple[int, ...]
    home: str
    error: str
    differs: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """What one platform would say; ``kind`` is what it is drawn as."""

    name: str
    answer: str
    kind: str
    message: str

    @property
    def word(self) -> str:
        """The answer in a word or two."""
        return _QUALIFIED.get(self.kind, self.answer) if self.answer == "admit" else self.answer


@dataclass(frozen=True, slots=True)
class NoteView:
    """Versions that start this image otherwise."""

    component: str
    versions: str
    there: str
    fixed: str
    source: Link
    is_root: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the derivation."""

    text: str
    path: str
    line: int | None
    quote: str
    layer: int | None
    layer_digest: str


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One line of the history; ``number`` is ``None`` for entries that changed the config only."""

    number: int | None
    digest: str
    created_by: str
    created: datetime | None
    size: int | None
    decides: bool
    sets_user: bool


@dataclass(frozen=True, slots=True)
class FactsView:
    """Everything the page shows that does not depend on a policy."""

    sentence: str
    declared: str
    explicit: bool
    resolved: StepView | None
    entrypoint: str
    cmd: str
    working_dir: str
    base: DeclaredBase | None
    runtimes: tuple[RuntimeAnswer, ...]
    platforms: tuple[PlatformAnswer, ...]
    steps: tuple[StepView, ...]
    kubernetes_steps: tuple[StepView, ...]
    layers: tuple[LayerRow, ...]
    config: str
    ambiguities: tuple[tuple[str, str], ...]
    notes: tuple[NoteView, ...]
    files_read: bool

    @property
    def docker(self) -> RuntimeAnswer:
        """The answer the verdict sentence speaks of."""
        return self.runtimes[0]


def facts_view(facts: ImageFacts) -> FactsView:
    """Lay out the facts."""
    steps = tuple(_step(step) for step in derivation(facts))
    answers = identities(facts)
    differs = answers[Runtime.DOCKER] != answers[Runtime.KUBERNETES]
    config = facts.config
    return FactsView(
        sentence=verdict_sentence(facts),
        declared=printable(config.user, longest=300),
        explicit=config.user.partition(":")[0] != "",
        resolved=next((step for step in steps if step.line is not None), None),
        entrypoint=_words(config.entrypoint),
        cmd=_words(config.cmd),
        working_dir=printable(config.working_dir, longest=300),
        base=facts.declared_base,
        runtimes=tuple(_runtimes(facts, answers)),
        platforms=tuple(_platform(name, answer) for name, answer in platform_answers(facts).items()),
        steps=steps,
        kubernetes_steps=tuple(_step(step) for step in derivation(facts, Runtime.KUBERNETES)) if differs else (),
        layers=tuple(_layers(facts, frozenset(step.layer for step in steps if step.line is not None))),
        config=_config_text(config),
        ambiguities=tuple(
            (printable(x.where, longest=200), printable(x.detail, longest=300)) for x in facts.ambiguities
        ),
        notes=tuple(_note(note) for note in version_notes(facts)),
        files_read=facts.files is not None,
    )


def _runtimes(facts: ImageFacts, answers: Mapping[str, Mapping[str, Any]]) -> Iterator[RuntimeAnswer]:
    docker = answers[Runtime.DOCKER]
    usual = {step["text"] for step in derivation(facts)}
    for name, answer in answers.items():
        found = _runtime(name, answer)
        differs = tuple(word for key, word in _COMPARED.items() if answer.get(key) != docker.get(key))
        if not differs or ("error" in docker and found.error):  # the same no in other words
            yield found
            continue
        own = [step["text"] for step in derivation(facts, Runtime(name)) if step["text"] not in usual]
        reason = next((text for text in own if not text.startswith(_NO_START)), "")
        said = "starts" if "error" in docker else "does not start" if found.error else f"other {', '.join(differs)}"
        yield replace(found, differs=said, reason=reason)


def _runtime(name: str, answer: Mapping[str, Any]) -> RuntimeAnswer:
    label = _RUNTIMES.get(Runtime(name), name)
    if "error" in answer:
        return RuntimeAnswer(label, None, None, (), "", printable(answer["error"], longest=500))
    home = printable(answer["home"], longest=300)
    return RuntimeAnswer(label, answer["uid"], answer["gid"], tuple(answer["groups"]), home, "")


def _note(note: VersionNote) -> NoteView:
    there = printable(note.there, longest=300)
    return NoteView(note.component, note.versions, there, note.fixed, note.source, note.is_root)


def _platform(name: str, answer: Mapping[str, Any]) -> PlatformAnswer:
    said, message = str(answer["answer"]), str(answer["message"])
    return PlatformAnswer(PLATFORM_NAMES.get(name, name), said, answer_kind(said, message), message)


def answer_kind(answer: str, message: str) -> str:
    """What an answer is drawn as: to let root in is no praise, and to let in what breaks afterwards is little."""
    if answer != "admit":
        return _ANSWERS.get(answer, "unknown")
    if message.startswith(_AS_ROOT):
        return "none"
    return "warn" if _BREAKS_LATER in message else "pass"


def _step(step: Mapping[str, Any]) -> StepView:
    return StepView(
        text=step["text"],
        path=step.get("path") or step.get("pointer") or "",
        line=step.get("line"),
        quote=step.get("quote") or "",
        layer=step.get("layer_number"),
        layer_digest=step.get("layer") or "",
    )


def _layers(facts: ImageFacts, deciding: frozenset[int | None]) -> list[LayerRow]:
    history = facts.config.history
    left = list(facts.layers)
    if sum(not entry.empty_layer for entry in history) != len(left):
        return [_layer_row(layer, None, deciding) for layer in left]
    last_user = max((n for n, entry in enumerate(history) if _sets_user(entry.created_by)), default=None)
    rows = []
    for number, entry in enumerate(history):
        if entry.empty_layer:
            by = printable(entry.created_by, longest=2_000)
            rows.append(LayerRow(None, "", by, entry.created, None, False, number == last_user))
        else:
            rows.append(_layer_row(left.pop(0), entry.created, deciding))
    return rows


def _layer_row(layer: Layer, created: datetime | None, deciding: frozenset[int | None]) -> LayerRow:
    return LayerRow(
        layer_number(layer),
        layer.digest,
        made_by(layer) or "",
        created,
        layer.size,
        layer_number(layer) in deciding,
        sets_user=False,
    )


def _sets_user(created_by: str) -> bool:
    return created_by.removeprefix("/bin/sh -c #(nop) ").lstrip().startswith("USER")


def _words(words: tuple[str, ...] | None) -> str:
    return printable(json.dumps(words, ensure_ascii=False), longest=500) if words else ""


def _config_text(config: ImageConfig) -> str:
    document = {name: value for name, value in asdict(config).items() if value not in ((), None, "")}
    return printable(json.dumps(document, indent=2, default=str), keep_lines=True, longest=200_000)
