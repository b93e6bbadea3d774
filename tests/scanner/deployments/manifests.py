"""Small deployment files for tests, and reviews of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from scanner.deployments import Review, review
from scanner.deployments.findings import Finding
from scanner.deployments.review import ReviewedContainer
from scanner.domain.facts import ImageFacts
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import Reference

Known = Mapping[str, ImageFacts | ScanProblem]
IMAGE = "registry.example/shop/web:1"


def pod(container: str = "", spec: str = "", *, image: str = IMAGE) -> str:
    """A pod with one container, ``web``; each line of ``container`` and ``spec`` is a field of theirs."""
    return (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n"
        + textwrap.indent(textwrap.dedent(spec).strip("\n") + "\n" if spec else "", "  ")
        + f"  containers:\n  - name: web\n    image: {image}\n"
        + textwrap.indent(textwrap.dedent(container).strip("\n"), "    ")
        + "\n"
    )


def service(fields: str = "", *, image: str = IMAGE) -> str:
    """A Compose file with one service, ``web``."""
    return (
        f"services:\n  web:\n    image: {image}\n" + textwrap.indent(textwrap.dedent(fields).strip("\n"), "    ") + "\n"
    )


def reviewed(text: str, known: ImageFacts | ScanProblem | Known | None = None) -> Review:
    """A review, where every image is the same or each has its own."""

    def facts_for(reference: Reference) -> ImageFacts | ScanProblem | None:
        return known.get(str(reference)) if isinstance(known, Mapping) else known

    return review(text, facts_for)


def only(found: Review) -> ReviewedContainer:
    """The only container."""
    ((container,),) = (workload.containers for workload in found.workloads)
    return container


def codes(found: Review) -> dict[str, str]:
    """Code to severity, of all findings."""
    return {finding.code: finding.severity.value for finding in found.findings}


def finding(found: Review, code: str) -> Finding:
    """The only finding of a code."""
    (match,) = (finding for finding in found.findings if finding.code == code)
    return match
