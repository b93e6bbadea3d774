"""``whatif --manifest`` for a person on a machine of their own: a deployment file in, a review out.

Every image is asked for at the registry the file names, with the credential ``docker login`` stored for that registry
and no other: a password typed for one registry would be handed to any that a file cares to name.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from scanner.command_line import InspectOptions, inspected
from scanner.deployments import DeploymentProblem, Review, decode, review, review_report
from scanner.deployments.review_report import failed_report
from scanner.domain.facts import ImageFacts
from scanner.domain.problems import ImageProblem, ScanProblem
from scanner.domain.reference import Reference
from scanner.domain.start import Start
from scanner.domain.verdict import Verdict
from scanner.inspection import InspectedImage

PASSED, FAILED, UNKNOWN, NOTHING_INSPECTED, UNREADABLE = range(5)
_USUAL_PLATFORM: Final = "linux/amd64"


class WrongManifest(ValueError):
    """``--manifest`` with options that do not go with it, or a file that cannot be opened; the message says which."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A report, and how the command ends: 0 fine, 1 contradictions, 2 unknown, 3 nothing inspected, 4 unreadable."""

    report: dict[str, Any]
    status: int


def review_manifest(path: str, reference: str | None, start: Start, options: InspectOptions) -> Reviewed:
    """Review the file at a path, ``-`` for standard input.

    :raises WrongManifest: when the file cannot be opened, or a reference, a start or a password was given too.
    """
    if reference is not None:
        raise WrongManifest("give a REFERENCE or --manifest FILE, not both")
    if start != Start():
        raise WrongManifest("with --manifest the settings of the start are the file's own")
    if options.username is not None or options.password_env is not None:
        raise WrongManifest("a password is for one registry, a file may name several: use docker login for each")
    try:
        body = _read(path, options.limits.deployment_bytes + 1)
    except OSError as error:
        raise WrongManifest(f"the file cannot be read: {error.strerror or error}") from None
    return review_file(body, options)


def _read(path: str, most: int) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(most)
    with Path(path).open("rb") as file:
        return file.read(most)


def review_file(body: bytes, options: InspectOptions) -> Reviewed:
    """Review a deployment file with the images it names."""
    try:
        text = decode(body, options.limits)
        found = review(text, lambda reference: facts_of(reference, options), options.limits)
    except DeploymentProblem as problem:
        return Reviewed(failed_report(problem), UNREADABLE)
    return Reviewed(review_report(found), _status(found))


def _status(found: Review) -> int:
    if found.verdict is Verdict.FAIL:
        return FAILED
    if found.images and not found.inspected:
        return NOTHING_INSPECTED
    return UNKNOWN if found.verdict is Verdict.UNKNOWN else PASSED


def facts_of(reference: Reference, options: InspectOptions) -> ImageFacts | ScanProblem:
    """The facts of one image, or why there are none; of several platforms linux/amd64, or the first there is."""
    try:
        usual = replace(options, platform=options.platform or _USUAL_PLATFORM)
        return _first(inspected(reference, usual, {}).images)
    except ScanProblem as problem:
        if options.platform is not None or problem.code != "platform-not-found":
            return problem
    try:
        return _first(inspected(reference, options, {}).images)
    except ScanProblem as problem:
        return problem


def _first(images: tuple[InspectedImage, ...]) -> ImageFacts | ScanProblem:
    for image in images:
        if image.facts is not None:
            return image.facts
    if images and images[0].problem is not None:
        return images[0].problem
    what = images[0].artifact if images and images[0].artifact else "an empty index"
    return ImageProblem("not-an-image", f"It is no image that runs: {what}.")
