"""A deployment file in, everything that can be said of its containers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from scanner.deployments import compose, file_checks, identity_checks, kubernetes, privilege_checks
from scanner.deployments.findings import Case, Finding
from scanner.deployments.pod_security import restricted
from scanner.deployments.problems import DeploymentProblem, too_much
from scanner.deployments.snippets import Snippet, snippet
from scanner.deployments.workloads import Container, Contents, Place, Workload
from scanner.deployments.yaml_documents import read_documents
from scanner.deployments.yaml_nodes import Document
from scanner.domain.facts import ImageFacts
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import Reference
from scanner.domain.verdict import Severity, Verdict
from scanner.platforms.answer import PlatformAnswer
from scanner.whatif import what_if

FactsFor = Callable[[Reference], ImageFacts | ScanProblem | None]
"""What is known of an image: its facts, why there are none, or ``None`` where nobody looked."""

_CHECKS: Final = (*identity_checks.CHECKS, *file_checks.CHECKS, *privilege_checks.CHECKS)


@dataclass(frozen=True, slots=True)
class ReviewedContainer:
    """One container.

    :param findings: the gravest first.
    :param open: why something is not known: one sentence each.
    """

    case: Case
    findings: tuple[Finding, ...]
    open: tuple[str, ...]
    snippet: Snippet | None


@dataclass(frozen=True, slots=True)
class ReviewedWorkload:
    """A pod template or a service.

    :param findings: what is refused as a whole.
    :param pod_security: *restricted*'s answer; ``None`` for Compose.
    """

    workload: Workload
    findings: tuple[Finding, ...]
    pod_security: PlatformAnswer | None
    containers: tuple[ReviewedContainer, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """Everything there is to say of a file.

    :param inspected: images whose facts were at hand; ``images`` is how many different ones are named.
    """

    contents: Contents
    workloads: tuple[ReviewedWorkload, ...]
    images: int
    inspected: int

    @property
    def findings(self) -> Iterator[Finding]:
        """All findings."""
        for workload in self.workloads:
            yield from workload.findings
            for container in workload.containers:
                yield from container.findings

    @property
    def verdict(self) -> Verdict:
        """*fail* for a finding of severity high or above, *unknown* where something is open."""
        if any(finding.severity.rank <= Severity.HIGH.rank for finding in self.findings):
            return Verdict.FAIL
        if self.contents.unread or any(found.open for item in self.workloads for found in item.containers):
            return Verdict.UNKNOWN
        return Verdict.PASS if self.workloads else Verdict.NOT_APPLICABLE


def review(text: str, facts_for: FactsFor, limits: Limits = DEFAULT_LIMITS) -> Review:
    """Review a Compose file, Kubernetes objects or a rendered chart.

    :param facts_for: asked once for each image.
    :raises DeploymentProblem: where the file cannot be read, or is something else.
    """
    return review_contents(read_contents(text, limits), facts_for, limits)


def review_contents(contents: Contents, facts_for: FactsFor, limits: Limits = DEFAULT_LIMITS) -> Review:
    """Review what was read before, so that the images it names could be looked up together."""
    known = _Images(facts_for, limits)
    workloads = tuple(_workload(workload, known) for workload in contents.workloads)
    return Review(contents, workloads, known.named, known.inspected)


def read_contents(text: str, limits: Limits = DEFAULT_LIMITS) -> Contents:
    """All workloads of a file.

    :raises DeploymentProblem: where the file cannot be read, holds too much, or is something else.
    """
    workloads: list[Workload] = []
    skipped: Counter[str] = Counter()
    unread: list[tuple[str, Place]] = []
    recognised, tally = False, _Tally(limits)
    for document in read_documents(text, limits):
        if compose.is_compose(document.root):
            tally.add(compose.service_count(document.root))
            found = list(compose.services(document, limits))
            line = compose.included_at(document.root)
            if line is not None:
                unread.append(("include", Place(document.number, line, "include")))
        elif kubernetes.is_object(document.root):
            found = list(_objects(document, tally, skipped, unread))
        else:
            skipped["document without a kind"] += 1
            continue
        recognised = True
        workloads += found
    if not recognised:
        said = "no object of Kubernetes (with `kind`) and no `services` of Compose is in it"
        raise DeploymentProblem(
            "not-a-deployment", said, remedy="Give a Compose file, Kubernetes manifests or a rendered chart."
        )
    return Contents(tuple(workloads), tuple(sorted(skipped.items())), tuple(unread))


def _objects(
    document: Document, tally: _Tally, skipped: Counter[str], unread: list[tuple[str, Place]]
) -> Iterator[Workload]:
    for found in kubernetes.objects(document, tally.limits):
        spec = kubernetes.pod_spec(found)
        if spec is not None:
            tally.add(kubernetes.container_count(spec))
            yield kubernetes.workload(found, spec, document)
            continue
        kind = kubernetes.kind_of(found)
        if found.node is not None and kubernetes.holds_containers(found.node):
            unread.append((kind, Place(document.number, found.line, "")))
        else:
            skipped[kind] += 1


class _Tally:
    """Counts containers before they are read."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._containers = 0

    def add(self, containers: int) -> None:
        """Count some.

        :raises DeploymentProblem: above ``deployment_containers``.
        """
        self._containers += containers
        allowed = self.limits.deployment_containers
        if self._containers > allowed:
            raise too_much("deployment_containers", allowed, "it has more containers")


class _Images:
    """Asks for each image once, and for no more than ``deployment_images``."""

    def __init__(self, facts_for: FactsFor, limits: Limits) -> None:
        self._facts_for = facts_for
        self._most = limits.deployment_images
        self._known: dict[Reference, ImageFacts | ScanProblem | None] = {}

    def of(self, container: Container) -> ImageFacts | ScanProblem | None:
        """What is known of the container's image."""
        reference = container.image.reference if container.image else None
        if reference is None:
            return None
        if reference not in self._known:
            full = len(self._known) >= self._most
            said = "it names more images"
            self._known[reference] = (
                too_much("deployment_images", self._most, said) if full else self._facts_for(reference)
            )
        return self._known[reference]

    @property
    def named(self) -> int:
        """How many different images there are."""
        return len(self._known)

    @property
    def inspected(self) -> int:
        """Of how many there are facts."""
        return sum(isinstance(found, ImageFacts) for found in self._known.values())


def _workload(workload: Workload, known: _Images) -> ReviewedWorkload:
    refuses = "Compose refuses the file." if workload.pod is None else "The API server refuses the object."
    findings = tuple(
        Finding("refused", Severity.HIGH, refuses, fault.line, fault.path, fault.message) for fault in workload.faults
    )
    containers = tuple(_container(workload, container, known) for container in workload.containers)
    return ReviewedWorkload(workload, findings, restricted(workload), containers)


def _container(workload: Workload, container: Container, known: _Images) -> ReviewedContainer:
    found = known.of(container)
    facts = found if isinstance(found, ImageFacts) else None
    problem = found if isinstance(found, ScanProblem) else None
    # What a refused object would do is no answer; nor is what a user whose name is not known would be.
    decided = facts is not None and not container.undecided and not workload.faults
    answer = what_if(facts, container.start) if facts is not None and decided else None
    case = Case(workload, container, facts, answer, problem)
    findings = tuple(sorted(_findings(case), key=lambda finding: finding.severity.rank))
    return ReviewedContainer(case, findings, tuple(_open(case)), snippet(case, findings))


def _findings(case: Case) -> Iterator[Finding]:
    for check in _CHECKS:
        finding = check(case)
        if finding is not None:
            yield finding


def _open(case: Case) -> Iterator[str]:
    container = case.container
    yield from container.open
    if container.group_names:
        yield "It adds groups by name, which are looked up in the image when it starts."
    if case.workload.faults:
        yield "It is refused as it stands, so who it would run as is not said."
    if case.windows:
        yield "It is for Windows, which has no uids, so who it would run as is not said."
        return
    if case.facts is not None:
        return
    if case.problem is not None:
        yield f"The image could not be inspected: {case.problem.message}"
    elif container.image is None and container.built:
        yield "It is built from a folder, so there is no image to look at."
    elif container.image is None:
        yield "It names no image."
    elif container.image.reference is None:
        yield f"The image's name is not clear: {container.image.unclear}"
    else:
        yield "Nothing is known of the image."
