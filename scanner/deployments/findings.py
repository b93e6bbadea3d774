"""What a review finds, and what it knows of one container when it looks."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.deployments.workloads import Container, Workload
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import Identity, StartError
from scanner.domain.problems import ScanProblem
from scanner.domain.verdict import Severity
from scanner.whatif import WhatIf


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit together.

    :param code: kebab-case and stable.
    :param message: one or two sentences, safe to show.
    :param words: what the platform itself says, where it does.
    """

    code: str
    severity: Severity
    message: str
    line: int
    path: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One container with its image.

    :param facts: ``None`` where the image is not known; ``problem`` says why, where anything went wrong.
    :param answer: what happens when it is started so; ``None`` without facts.
    """

    workload: Workload
    container: Container
    facts: ImageFacts | None = None
    answer: WhatIf | None = None
    problem: ScanProblem | None = None

    @property
    def on_kubernetes(self) -> bool:
        """Whether kubelet starts it."""
        return self.workload.pod is not None

    @property
    def windows(self) -> bool:
        """Whether it is a Windows container, which has no uid."""
        declared = self.workload.pod is not None and self.workload.pod.os == "windows"
        return declared or (self.facts is not None and self.facts.config.platform.os == "windows")

    @property
    def identity(self) -> Identity | None:
        """Who it runs as, where that is known and it starts."""
        return self.answer.started.identity if self.answer is not None else None

    @property
    def declared(self) -> Identity | None:
        """Who the image itself says it is."""
        found = self.answer.started.declared.answer if self.answer is not None else None
        return found if isinstance(found, Identity) else None

    @property
    def start_error(self) -> str:
        """Why the runtime does not start it; empty where it does, or where nobody knows."""
        found = self.answer.started.resolution.answer if self.answer is not None else None
        return found.message if isinstance(found, StartError) else ""

    @property
    def chosen_uid(self) -> int | None:
        """The uid the file itself chooses, by number."""
        return self.container.start.run_as_user

    @property
    def uid(self) -> int | None:
        """The uid it runs as, as far as it is known."""
        if self.identity is not None:
            return self.identity.uid
        return self.chosen_uid

    def found(self, code: str, severity: Severity, message: str, *, words: str = "") -> Finding:
        """A finding at the container."""
        place = self.container.place
        return Finding(code, severity, message, place.line, place.path, words)
