"""What the rules said of an image, without any policy and without evidence: small enough to judge a fleet from.

A fleet of a million images has a few hundred different outlines, so a changed policy is applied to those.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.domain.verdict import Outcome, Severity, Verdict

SCHEMA = 1


class UnreadableOutline(ValueError):
    """A stored outline is damaged or of another schema; the image has to be asked again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One rule's answer.

    :param outcome: under the rule's own threshold, where it has one.
    :param severity: the finding's own, where it has one; it counts only for *violated*.
    :param below: ``Finding.below``.
    """

    outcome: Outcome
    severity: Severity | None = None
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The answers of all rules to one image.

    :param revision: ``scanner.judge.REVISION`` when they were asked.
    :param settled: the verdict where no policy changes it: *unknown* for what could not be read, *not applicable* for
        what cannot run. Such an outline has no answers.
    :param unconfirmed: ``ImageFacts.from_toc``: no policy makes a *pass* of it.
    """

    revision: int
    answers: Mapping[str, Answer] = field(default_factory=dict)
    settled: Verdict | None = None
    unconfirmed: bool = False


def dump_outline(outline: Outline) -> str:
    """Write an outline as compact JSON; equal outlines give equal texts."""
    document: dict[str, Any] = {"schema": SCHEMA, "revision": outline.revision}
    if outline.settled is not None:
        document["settled"] = outline.settled
    else:
        document["answers"] = {rule: _written(answer) for rule, answer in outline.answers.items()}
    if outline.unconfirmed:
        document["unconfirmed"] = True
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


def load_outline(text: str) -> Outline:
    """Read what ``dump_outline`` wrote.

    :raises UnreadableOutline: when it is damaged, or of a schema this version does not know.
    """
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise UnreadableOutline(f"an outline of schema {document['schema']!r}, not {SCHEMA}")
        if "settled" in document:
            return Outline(int(document["revision"]), settled=Verdict(document["settled"]))
        answers = {str(rule): _read(answer) for rule, answer in document["answers"].items()}
        return Outline(int(document["revision"]), answers, unconfirmed=document.get("unconfirmed", False))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, UnreadableOutline):
            raise
        raise UnreadableOutline(f"a stored outline cannot be read: {type(error).__name__}") from error


def _written(answer: Answer) -> str | list[Any]:
    if answer.severity is None and answer.below is None:
        return answer.outcome.value
    return [answer.outcome.value, answer.severity, answer.below]


def _read(answer: Any) -> Answer:
    if isinstance(answer, str):
        return Answer(Outcome(answer))
    outcome, severity, below = answer
    if not isinstance(below, int | None):
        raise TypeError("below")
    return Answer(Outcome(outcome), None if severity is None else Severity(severity), below)
