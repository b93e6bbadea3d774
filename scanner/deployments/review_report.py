"""A review as one JSON object. Fields may be added, never renamed. Every string is safe to show."""

from __future__ import annotations

from typing import Any

from scanner.deployments.findings import Case, Finding
from scanner.deployments.image_names import ImageName
from scanner.deployments.problems import DeploymentProblem
from scanner.deployments.review import Review, ReviewedContainer, ReviewedWorkload
from scanner.domain.identity import process_groups
from scanner.domain.printable import printable
from scanner.domain.start import Start
from scanner.domain.verdict import Verdict

SCHEMA = 1
Json = dict[str, Any]


def review_report(review: Review) -> Json:
    """The whole review."""
    return {
        "schema": SCHEMA,
        "verdict": review.verdict.value,
        "images": {"named": review.images, "inspected": review.inspected},
        "workloads": [_workload(workload) for workload in review.workloads],
        "skipped": [{"kind": kind, "count": count} for kind, count in review.contents.skipped],
        "unread": [
            {"kind": kind, "document": place.document, "line": place.line} for kind, place in review.contents.unread
        ],
        "error": None,
    }


def failed_report(problem: DeploymentProblem) -> Json:
    """The same object for a file that could not be read."""
    return {
        "schema": SCHEMA,
        "verdict": Verdict.UNKNOWN.value,
        "images": {"named": 0, "inspected": 0},
        "workloads": [],
        "skipped": [],
        "unread": [],
        "error": {
            "code": problem.code,
            "message": printable(problem.message, longest=1_000),
            "line": problem.line,
            "remedy": problem.remedy,
        },
    }


def _workload(reviewed: ReviewedWorkload) -> Json:
    workload, answer = reviewed.workload, reviewed.pod_security
    return {
        "kind": workload.kind,
        "name": workload.name,
        "namespace": workload.namespace,
        "source": workload.source,
        "document": workload.place.document,
        "line": workload.place.line,
        "pod_security_restricted": None
        if answer is None
        else {"answer": answer.answer, "message": _said(answer.message)},
        "findings": [_finding(finding) for finding in reviewed.findings],
        "containers": [_container(container) for container in reviewed.containers],
    }


def _container(reviewed: ReviewedContainer) -> Json:
    case, corrected = reviewed.case, reviewed.snippet
    container = case.container
    return {
        "name": container.name,
        "role": container.role.value,
        "line": container.place.line,
        "path": printable(container.place.path, longest=300),
        "image": _image(container.image, built=container.built),
        "sets": _sets(container.start),
        "identity": _identity(case),
        "findings": [_finding(finding) for finding in reviewed.findings],
        "unknown": [printable(text, longest=1_000) for text in reviewed.open],
        "snippet": None
        if corrected is None
        else {"where": corrected.where, "yaml": corrected.text, "note": corrected.note},
    }


def _image(image: ImageName | None, *, built: bool) -> Json:
    reference = image.reference if image is not None else None
    return {
        "written": printable(image.written, longest=500) if image is not None else None,
        "reference": str(reference) if reference is not None else None,
        "built": built,
    }


def _sets(start: Start) -> Json:
    """What the file says of the user; what it does not say is left out."""
    said = {
        "user": printable(start.user, longest=200) if start.user is not None else None,
        "run_as_user": start.run_as_user,
        "run_as_group": start.run_as_group,
        "run_as_non_root": start.run_as_non_root,
        "supplemental_groups": list(start.supplemental_groups) or None,
        "fs_group": start.fs_group,
        "host_users": False if start.user_namespace is not None else None,
        "drop_capabilities": start.drop_capabilities or None,
        "no_new_privileges": start.no_new_privileges or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _identity(case: Case) -> Json | None:
    if case.answer is None or case.windows:
        return None
    identity, refusal = case.identity, case.answer.started.refusal
    if identity is None:
        return {"error": _said(refusal.message if refusal is not None else case.start_error)}
    home = printable(identity.home, longest=500)
    return {"uid": identity.uid, "gid": identity.gid, "groups": list(process_groups(identity)), "home": home}


def _finding(finding: Finding) -> Json:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": printable(finding.message, longest=1_000),
        "words": _said(finding.words),
        "line": finding.line,
        "path": printable(finding.path, longest=300),
    }


def _said(words: str) -> str:
    return printable(words, longest=4_000)
