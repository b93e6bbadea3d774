"""``whatif`` for a person on a machine of their own: a reference and a start in, an answer for each image out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scanner.command_line import InspectOptions, inspected, parse_image_reference
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem, ScanProblem, SourceProblem
from scanner.domain.start import Start
from scanner.inspection import InspectedImage
from scanner.whatif import Outcome, what_if
from scanner.whatif.document import SCHEMA, as_document

Json = dict[str, Any]

_WORST_FIRST: Final = (Outcome.STOPPED, Outcome.BREAKS, Outcome.UNKNOWN, Outcome.FINE)
_EXIT: Final = {Outcome.FINE: 0, Outcome.BREAKS: 1, Outcome.STOPPED: 1, Outcome.UNKNOWN: 2}
NOT_INSPECTED: Final = 3


@dataclass(frozen=True, slots=True)
class WhatIfAnswered:
    """A report, and how the command ends: 0 fine, 1 it breaks or does not start, 2 unknown, 3 not inspected."""

    report: Json
    status: int


def what_if_reference(
    text: str, start: Start, options: InspectOptions, environment: Mapping[str, str]
) -> WhatIfAnswered:
    """Answer for every image behind a reference; the worst decides.

    :raises NoPassword: when the options name half a credential.
    :raises InvalidReference: when the text is no reference.
    """
    reference = parse_image_reference(text)
    try:
        found = inspected(reference, options, environment)
    except ScanProblem as failure:
        return _failed(str(reference), failure)
    answers = [_image(image, start) for image in found.images]
    outcome = _worst(Outcome(image["what_if"]["outcome"]) for image in answers if image["what_if"])
    if any(image.problem is not None for image in found.images) and outcome is Outcome.FINE:
        outcome = Outcome.UNKNOWN
    unreached = bool(answers) and all(isinstance(image.problem, SourceProblem) for image in found.images)
    status = NOT_INSPECTED if unreached else _EXIT[outcome]
    return WhatIfAnswered(_report(str(reference), found.reference_digest, outcome, answers), status)


def _image(image: InspectedImage, start: Start) -> Json:
    return {
        "platform": printable(image.platform),
        "digest": image.digest,
        "what_if": None if image.facts is None else as_document(what_if(image.facts, start)),
        "artifact": None if image.artifact is None else printable(image.artifact),
        "problem": None if image.problem is None else _problem(image.problem),
    }


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    found = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.UNKNOWN)


def _failed(reference: str, problem: ScanProblem) -> WhatIfAnswered:
    looked_at = isinstance(problem, ImageProblem) and problem.code != "platform-not-found"
    report = _report(reference, None, Outcome.UNKNOWN, [])
    status = _EXIT[Outcome.UNKNOWN] if looked_at else NOT_INSPECTED
    return WhatIfAnswered({**report, "error": _problem(problem)}, status)


def _report(reference: str, digest: str | None, outcome: Outcome, images: list[Json]) -> Json:
    return {
        "schema": SCHEMA,
        "reference": printable(reference),
        "digest": digest,
        "outcome": outcome.value,
        "images": images,
        "error": None,
    }


def _problem(problem: ScanProblem) -> Json:
    return {"code": problem.code, "message": printable(problem.message), "remedy": printable(problem.remedy)}
