"""``inspect`` for a person on a machine of their own: a reference in, a report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from scanner.across import compare, identity_word, with_results
from scanner.domain.docker_hub import as_asked, is_docker_hub
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.policy import Policy
from scanner.domain.problems import ImageProblem, Refused, ScanProblem, SourceProblem
from scanner.domain.reference import Reference, TagName, parse_reference
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Judgement, Verdict
from scanner.inspection import InspectedImage, Inspection, inspect
from scanner.judge import judge, not_applicable_judgement, unknown_judgement
from scanner.report import JudgedImage, failed_report, inspect_report
from scanner.sources.credentials.docker_config import docker_login
from scanner.sources.local import opened, place_of
from scanner.sources.local_names import LocalReference, parse_local_reference
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_registry_url
from scanner.sources.registry.asking import Access
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.network import NetworkPolicy


class NoPassword(ValueError):
    """A user name without a password, or the other way round; the message says what to give."""


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """What the command line chose.

    :param platform: ``linux/amd64``, or ``None`` for all.
    :param allow_private: loopback and private addresses, where a person's own registry is; never metadata services.
    """

    policy: Policy
    platform: str | None = None
    plain_http: bool = False
    verify_tls: bool = True
    allow_private: bool = True
    username: str | None = None
    password_env: str | None = None
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class Answered:
    """A report, and whether anything could be inspected at all."""

    report: dict[str, Any]
    verdict: Verdict
    failed: bool


ImageReference: TypeAlias = Reference | LocalReference
"""What may stand as REFERENCE: a registry's image, or one on this machine."""


def parse_image_reference(text: str) -> ImageReference:
    """Read a REFERENCE; the prefixes of images on this machine come first.

    :raises InvalidReference: naming the part that is wrong.
    """
    return parse_local_reference(text) or parse_reference(text)


def inspect_reference(reference: ImageReference, options: InspectOptions, environment: Mapping[str, str]) -> Answered:
    """Inspect and judge one reference.

    :raises NoPassword: when the options name half a credential.
    """
    try:
        found = inspected(reference, options, environment)
    except ScanProblem as problem:
        return _failed(str(reference), options.policy, problem)
    images = judged_together(found.images, options.policy)
    report = inspect_report(str(reference), found.reference_digest, options.policy.name, images)
    unreached = bool(images) and all(isinstance(image.problem, SourceProblem) for image in images)
    return Answered(report, Verdict(report["verdict"]), unreached)


def inspected(reference: ImageReference, options: InspectOptions, environment: Mapping[str, str]) -> Inspection:
    """Every image behind one reference.

    :raises NoPassword: when the options name half a credential.
    :raises ScanProblem: when nothing could be inspected.
    """
    entered = _entered(options, environment)
    if isinstance(reference, LocalReference):
        return _inspected_here(reference, options)
    asked = as_asked(reference)
    try:
        url = parse_registry_url(asked.registry, plain_http=options.plain_http and not is_docker_hub(asked.registry))
    except InvalidRegistryUrl as error:
        raise Refused("invalid-registry", error.reason) from None
    access = Access(
        credential=entered or docker_login(url),
        network=NetworkPolicy(allow_private=options.allow_private),
        verify_tls=options.verify_tls,
    )
    with RegistrySource(url, access, limits=options.limits) as source:
        wanted = asked.digest or asked.tag or TagName("latest")
        return inspect(source, asked.repository, wanted, platform=options.platform, limits=options.limits)


def _inspected_here(reference: LocalReference, options: InspectOptions) -> Inspection:
    path, name = place_of(reference)
    with opened(reference.kind, path, options.limits) as source:
        found = source.find(name)
        return inspect(source, found.repository, found.reference, platform=options.platform, limits=options.limits)


def _failed(reference: str, policy: Policy, problem: ScanProblem) -> Answered:
    """An image whose bytes are at fault was looked at and is *unknown*; one that never arrived was not inspected."""
    looked_at = isinstance(problem, ImageProblem) and problem.code != "platform-not-found"
    return Answered(failed_report(reference, policy.name, problem), Verdict.UNKNOWN, failed=not looked_at)


def judged_together(images: Sequence[InspectedImage], policy: Policy) -> list[JudgedImage]:
    """Each image by itself, and what they say of each other as platforms of one index."""
    alone = [(image, judged(image, policy)) for image in images]
    results = compare([_summary(image, judgement) for image, judgement in alone], policy).results
    return [
        JudgedImage(
            image.platform,
            image.digest,
            judgement if image.facts is None else with_results(judgement, results, policy),
            image.facts,
            image.problem,
            image.artifact,
        )
        for image, judgement in alone
    ]


def _summary(image: InspectedImage, judgement: Judgement) -> PlatformSummary:
    identity = "" if image.facts is None else identity_word(image.facts)
    return PlatformSummary(image.platform, image.digest, judgement.verdict, identity)


def judged(image: InspectedImage, policy: Policy) -> Judgement:
    """The judgement of one inspected image, whatever came of it."""
    if image.facts is not None:
        return judge(image.facts, policy)
    if image.artifact is not None:
        return not_applicable_judgement(image.artifact)
    return unknown_judgement(image.problem or ImageProblem("not-inspected", "The image was not inspected."))


def _entered(options: InspectOptions, environment: Mapping[str, str]) -> Credential | None:
    if options.username is None and options.password_env is None:
        return None
    if options.username is None or options.password_env is None:
        raise NoPassword("--username and --password-env go together")
    password = environment.get(options.password_env)
    if password is None:
        raise NoPassword(f"the environment has no variable {options.password_env}")
    return Credential(options.username, password)
