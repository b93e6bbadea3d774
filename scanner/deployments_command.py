"""``whatif --manifest`` for a person on a machine of their own: a deployment file in, a review out.

Every image is asked for at the registry the file names, with the credential ``docker login`` stored for that registry
and no other: a password typed for one registry would be handed to any that a file cares to name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from scanner.deployments import DeploymentProblem, Review, decode, review, review_report
from scanner.domain.facts import ImageFacts
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ImageProblem, Refused, ScanProblem
from scanner.domain.reference import Reference, TagName
from scanner.domain.verdict import Verdict
from scanner.inspection import InspectedImage, inspect
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_registry_url
from scanner.sources.registry.asking import Access
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.docker_login import docker_login
from scanner.sources.registry.network import NetworkPolicy

PASSED, FAILED, UNKNOWN, NOTHING_INSPECTED, UNREADABLE = range(5)
_DOCKER_HUB: Final = "docker.io"
_HUB_ADDRESS: Final = "registry-1.docker.io"
_USUAL_PLATFORM: Final = "linux/amd64"


@dataclass(frozen=True, slots=True)
class Connection:
    """How registries are asked.

    :param platform: of images for several; ``None`` for linux/amd64, or what there is.
    :param plain_http: for every registry but Docker Hub.
    """

    platform: str | None = None
    plain_http: bool = False
    verify_tls: bool = True
    allow_private: bool = True
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A report, and how the command ends: 0 fine, 1 contradictions, 2 unknown, 3 nothing inspected, 4 unreadable."""

    report: dict[str, Any]
    status: int


def review_file(body: bytes, connection: Connection) -> Reviewed:
    """Review a deployment file with the images it names."""
    try:
        text = decode(body, connection.limits)
        found = review(text, lambda reference: facts_of(reference, connection), connection.limits)
    except DeploymentProblem as problem:
        return Reviewed(_failed(problem), UNREADABLE)
    return Reviewed(review_report(found), _status(found))


def _status(found: Review) -> int:
    if found.verdict is Verdict.FAIL:
        return FAILED
    if found.images and not found.inspected:
        return NOTHING_INSPECTED
    return UNKNOWN if found.verdict is Verdict.UNKNOWN else PASSED


def _failed(problem: DeploymentProblem) -> dict[str, Any]:
    error = {"code": problem.code, "message": problem.message, "line": problem.line, "remedy": problem.remedy}
    return {
        "schema": 1,
        "verdict": Verdict.UNKNOWN.value,
        "images": {"named": 0, "inspected": 0},
        "workloads": [],
        "skipped": [],
        "unread": [],
        "error": error,
    }


def facts_of(reference: Reference, connection: Connection) -> ImageFacts | ScanProblem:
    """The facts of one image, or why there are none."""
    hub = reference.registry == _DOCKER_HUB
    try:
        url = parse_registry_url(
            _HUB_ADDRESS if hub else reference.registry, plain_http=connection.plain_http and not hub
        )
        access = Access(
            credential=docker_login(url),
            network=NetworkPolicy(allow_private=connection.allow_private),
            verify_tls=connection.verify_tls,
        )
        with RegistrySource(url, access, limits=connection.limits) as source:
            return _inspected(source, reference, connection)
    except ScanProblem as problem:
        return problem
    except InvalidRegistryUrl as error:
        return Refused("invalid-registry", error.reason)


def _inspected(source: RegistrySource, reference: Reference, connection: Connection) -> ImageFacts | ScanProblem:
    wanted = reference.digest or reference.tag or TagName("latest")
    limits = connection.limits
    try:
        platform = connection.platform or _USUAL_PLATFORM
        found = inspect(source, reference.repository, wanted, platform=platform, limits=limits)
    except ImageProblem as problem:
        if connection.platform is not None or problem.code != "platform-not-found":
            raise
        found = inspect(source, reference.repository, wanted, platform=None, limits=limits)
    return _first(found.images)


def _first(images: tuple[InspectedImage, ...]) -> ImageFacts | ScanProblem:
    for image in images:
        if image.facts is not None:
            return image.facts
    if images and images[0].problem is not None:
        return images[0].problem
    what = images[0].artifact if images and images[0].artifact else "an empty index"
    return ImageProblem("not-an-image", f"It is no image that runs: {what}.")
