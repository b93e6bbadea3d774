"""A deployment file beside what is stored of the images it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from compliance.access import Actor
from compliance.queries.stored_images import StoredImage, stored_images
from scanner.deployments import Review, read_contents, review_contents, review_report
from scanner.deployments.workloads import Contents
from scanner.domain.facts import ImageFacts
from scanner.domain.limits import Limits
from scanner.domain.printable import printable
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import Reference

Json = Mapping[str, Any]

MOST_LINES: Final = 3_000
"""Of a longer file only what is around the findings is shown."""

_AROUND: Final = 4
_LONGEST_LINE: Final = 500
_OPEN: Final = 20
_SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
_SETS: Final = {
    "user": "user",
    "run_as_user": "runAsUser",
    "run_as_group": "runAsGroup",
    "run_as_non_root": "runAsNonRoot",
    "supplemental_groups": "groups",
    "fs_group": "fsGroup",
    "host_users": "hostUsers",
    "drop_capabilities": "all capabilities dropped",
    "no_new_privileges": "no new privileges",
}


@dataclass(frozen=True, slots=True)
class FindingView:
    """Something that does not fit together."""

    code: str
    severity: str
    message: str
    words: str
    line: int


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container; ``who`` is empty where nobody can say, and ``error`` is why it does not start."""

    name: str
    role: str
    line: int
    image: str
    stored: StoredImage | None
    sets: tuple[tuple[str, str], ...]
    who: str
    error: str
    is_root: bool
    findings: tuple[FindingView, ...]
    unknown: tuple[str, ...]
    snippet: str
    snippet_where: str
    snippet_note: str
    folded: bool

    @property
    def worst(self) -> str:
        """The severity of its gravest finding."""
        return self.findings[0].severity if self.findings else ""


@dataclass(frozen=True, slots=True)
class WorkloadView:
    """A pod template, or a Compose service."""

    kind: str
    name: str
    namespace: str
    source: str
    line: int
    pod_security: str
    pod_security_words: str
    findings: tuple[FindingView, ...]
    containers: tuple[ContainerView, ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line as it was given; ``number`` is ``None`` where some are left out."""

    number: int | None
    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class DeploymentPage:
    """Everything there is to say of a file."""

    verdict: str
    workloads: tuple[WorkloadView, ...]
    counts: tuple[tuple[str, int], ...]
    containers: int
    images: int
    inspected: int
    skipped: tuple[tuple[str, int], ...]
    unread: tuple[tuple[str, int], ...]
    source: tuple[SourceLine, ...]


def review_page(text: str, limits: Limits, actor: Actor) -> DeploymentPage:
    """Review a file with the stored facts of those of its images that somebody may see.

    :raises DeploymentProblem: where the file cannot be read, or is something else.
    """
    contents = read_contents(text, limits)
    known = stored_images(_references(contents, limits), actor)

    def facts_for(reference: Reference) -> ImageFacts | ScanProblem | None:
        found = known.get(reference)
        return None if found is None else found.facts or found.problem

    return _laid_out(text, review_contents(contents, facts_for, limits), known)


def _references(contents: Contents, limits: Limits) -> list[Reference]:
    images = (container.image for workload in contents.workloads for container in workload.containers)
    found = dict.fromkeys(image.reference for image in images if image is not None and image.reference is not None)
    return list(found)[: limits.deployment_images]


def _laid_out(text: str, found: Review, known: Mapping[Reference, StoredImage]) -> DeploymentPage:
    said = review_report(found)
    by_name = {str(reference): image for reference, image in known.items()}
    number = count()
    workloads = tuple(_workload(each, by_name, number) for each in said["workloads"])
    findings = [finding for workload in workloads for finding in _findings(workload)]
    tally = {severity: sum(each.severity == severity for each in findings) for severity in _SEVERITIES}
    return DeploymentPage(
        verdict=said["verdict"],
        workloads=workloads,
        counts=tuple((severity, total) for severity, total in tally.items() if total),
        containers=sum(len(workload.containers) for workload in workloads),
        images=said["images"]["named"],
        inspected=said["images"]["inspected"],
        skipped=tuple((printable(each["kind"], longest=100), each["count"]) for each in said["skipped"]),
        unread=tuple((printable(each["kind"], longest=100), each["line"]) for each in said["unread"]),
        source=tuple(
            source_lines(
                text, _pointed_at(workloads), {each.line for each in findings if each.severity in _SEVERITIES[:3]}
            )
        ),
    )


def _findings(workload: WorkloadView) -> Iterator[FindingView]:
    yield from workload.findings
    for container in workload.containers:
        yield from container.findings


def _pointed_at(workloads: tuple[WorkloadView, ...]) -> set[int]:
    lines = {line for each in workloads for line in (each.line, *(container.line for container in each.containers))}
    return lines | {finding.line for each in workloads for finding in _findings(each)}


def _workload(said: Json, known: Mapping[str, StoredImage], number: Iterator[int]) -> WorkloadView:
    answer = said["pod_security_restricted"] or {"answer": "", "message": ""}
    return WorkloadView(
        kind=printable(said["kind"], longest=100),
        name=printable(said["name"], longest=300),
        namespace=printable(said["namespace"], longest=300),
        source=printable(said["source"], longest=500),
        line=said["line"],
        pod_security=answer["answer"],
        pod_security_words=answer["message"],
        findings=tuple(FindingView(**_own(each)) for each in said["findings"]),
        containers=tuple(_container(each, known, next(number)) for each in said["containers"]),
    )


def _own(said: Json) -> dict[str, Any]:
    return {name: said[name] for name in ("code", "severity", "message", "words", "line")}


def _container(said: Json, known: Mapping[str, StoredImage], number: int) -> ContainerView:
    identity: Json = said["identity"] or {}
    image, snippet = said["image"], said["snippet"] or {"where": "", "yaml": "", "note": ""}
    findings = tuple(FindingView(**_own(each)) for each in said["findings"])
    return ContainerView(
        name=printable(said["name"], longest=300),
        role=said["role"],
        line=said["line"],
        image=image["written"] or ("built from a folder" if image["built"] else "no image"),
        stored=known.get(image["reference"] or ""),
        sets=tuple(_set(name, said["sets"][name]) for name in _SETS if name in said["sets"]),
        who=_who(identity),
        error=identity.get("error", ""),
        is_root=identity.get("uid") == 0,
        findings=findings,
        unknown=tuple(said["unknown"]),
        snippet=snippet["yaml"],
        snippet_where=snippet["where"],
        snippet_note=snippet["note"] or "",
        folded=number >= _OPEN,
    )


def _set(name: str, value: object) -> tuple[str, str]:
    if isinstance(value, list):
        return _SETS[name], ", ".join(str(each) for each in value)
    if name in ("drop_capabilities", "no_new_privileges"):
        return _SETS[name], ""
    return _SETS[name], str(value).lower() if isinstance(value, bool) else str(value)


def _who(identity: Json) -> str:
    if "uid" not in identity:
        return ""
    groups = ", ".join(str(gid) for gid in identity["groups"])
    return f"uid {identity['uid']}, gid {identity['gid']}" + (f", groups {groups}" if groups else "")


def around(text: str, line: int | None) -> tuple[SourceLine, ...]:
    """A line with what stands around it; nothing where the fault has no line."""
    if line is None:
        return ()
    return tuple(each for each in source_lines(text, {line}, {line}, most=0) if each.number is not None)


def source_lines(text: str, pointed_at: set[int], marked: set[int], *, most: int = MOST_LINES) -> Iterator[SourceLine]:
    """The file with numbers; of one with more than ``most`` lines only the surroundings of what is pointed at."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        del lines[-1]
    near = {line for at in pointed_at for line in range(at - _AROUND, at + _AROUND + 1)}
    whole = len(lines) <= most
    shown = (number for number in range(1, len(lines) + 1) if whole or number in near)
    last = 0
    for number, _ in zip(shown, range(MOST_LINES), strict=False):
        if number != last + 1:
            yield SourceLine(None, f"lines {last + 1:,} to {number - 1:,} are left out")
        yield SourceLine(number, printable(lines[number - 1].rstrip("\r"), longest=_LONGEST_LINE), number in marked)
        last = number
    if last < len(lines):
        yield SourceLine(None, f"lines {last + 1:,} to {len(lines):,} are left out")
