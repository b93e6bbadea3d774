"""What is answered to *what would happen if somebody started this image so?*"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scanner.domain.files import Node, NodeKind
from scanner.domain.identity import Identity, Resolution, Runtime, StartError
from scanner.domain.permissions import Access, Denied
from scanner.domain.start import Start
from scanner.platforms.answer import PlatformAnswer


class Outcome(StrEnum):
    """What it comes to, for whoever reads one word."""

    FINE = "fine"  # it starts, and all that worked for the declared identity still works
    BREAKS = "breaks"  # it starts, and something that worked does not
    STOPPED = "stopped"  # refused, or a start error
    UNKNOWN = "unknown"


class RefusedBy(StrEnum):
    """Who says no before a runtime sees the container."""

    API = "kubernetes-api"
    OPENSHIFT = "openshift-admission"
    KUBELET = "kubelet"
    ENGINE = "engine"  # it cannot unpack the layers inside a user namespace


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, in the words of who says it, without the names of a pod and a container."""

    by: RefusedBy
    message: str


@dataclass(frozen=True, slots=True)
class HostIds:
    """What the process is outside its user namespace."""

    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """Who it is under a start.

    :param start: as it takes effect: what OpenShift fills in is filled in.
    :param declared: the image's own identity under the same runtime, without any settings.
    :param resolution: the identity under the start, or why the runtime does not start it; worked out even where
        somebody refuses before.
    :param host: ``None`` without a user namespace, or where it does not start.
    """

    start: Start
    runtime: Runtime
    declared: Resolution
    resolution: Resolution
    refusal: Refusal | None = None
    host: HostIds | None = None

    @property
    def identity(self) -> Identity | None:
        """Who it runs as; ``None`` where it does not start."""
        answer = self.resolution.answer
        return None if self.refusal is not None or isinstance(answer, StartError) else answer

    @property
    def declared_identity(self) -> Identity | None:
        """Who the image runs as of itself; ``None`` where it does not start so."""
        answer = self.declared.answer
        return None if isinstance(answer, StartError) else answer


class Role(StrEnum):
    """Why a path is looked at."""

    HOME = "home"
    WORKING_DIR = "workdir"
    VOLUME = "volume"
    TEMPORARY = "temporary"


@dataclass(frozen=True, slots=True)
class PathUse:
    """What the process can do at a path, and what it could if it were who the image declares.

    :param before_path: where the declared identity finds it, which differs for HOME only.
    :param refusals: the place that refuses, for each access it does not have.
    :param created: the path is missing and the runtime makes it when it starts.
    """

    role: Role
    path: str
    before_path: str
    now: Access
    before: Access
    refusals: Mapping[Access, Denied]
    created: bool = False

    @property
    def lost(self) -> Access:
        """What worked for the declared identity and does not any more."""
        return self.before & ~self.now


@dataclass(frozen=True, slots=True)
class ProgramUse:
    """Whether the image's command can be executed.

    :param path: the program that was found, or the command as written.
    :param problem: in the words of runc where it says something; ``None`` where it is executed.
    :param before: the same for the declared identity.
    :param unknown: why the answer is not certain; empty where it is.
    """

    path: str
    problem: str | None
    before: str | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class ClassLoss:
    """Entries of a tree that share owner and mode."""

    node: Node
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TreeLoss:
    """Files or folders below a folder that the declared identity can read, write or execute, and this one cannot.

    :param complete: ``False`` where a limit ended the count, so that there are at least so many.
    """

    path: str
    kind: NodeKind
    access: Access
    count: int
    classes: tuple[ClassLoss, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Privileges:
    """What becomes of programs with setuid, setgid or file capabilities.

    :param inert: setuid and setgid programs that give nobody any rights now; the first ones by path.
    :param stopped: programs whose capabilities stop ``execve`` now and did not before.
    """

    inert: tuple[str, ...] = ()
    inert_total: int = 0
    stopped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consequences:
    """What the process can do with the image's files.

    :param program: ``None`` where the image has no command.
    :param unknown: what could not be looked at, one sentence each.
    :param assumptions: what is taken to be so because an image does not say it, one sentence each.
    """

    paths: tuple[PathUse, ...] = ()
    trees: tuple[TreeLoss, ...] = ()
    program: ProgramUse | None = None
    privileges: Privileges = Privileges()
    unknown: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def breaks(self) -> bool:
        """Whether anything that worked for the declared identity does not any more."""
        return bool(self.trees or self.privileges.stopped or any(path.lost for path in self.paths))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A start up to the moment the command runs.

    :param program: ``None`` where it does not get so far, and for an image without a command.
    """

    started: Started
    program: ProgramUse | None

    @property
    def error(self) -> str | None:
        """Why it does not start, in the words of who says so; ``None`` where it does."""
        if self.started.refusal is not None:
            return self.started.refusal.message
        answer = self.started.resolution.answer
        if isinstance(answer, StartError):
            return answer.message
        return None if self.program is None else self.program.problem


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The whole answer.

    :param consequences: ``None`` where it does not start.
    :param platforms: what each platform answers to this start, by the names reports use.
    :param not_applicable: why none of this says anything about the image: it is for Windows. Empty for others.
    """

    started: Started
    consequences: Consequences | None
    platforms: Mapping[str, PlatformAnswer] = field(default_factory=dict)
    not_applicable: str = ""

    @property
    def start_error(self) -> str | None:
        """Why it does not start, in the words of who says so; ``None`` where it does."""
        program = None if self.consequences is None else self.consequences.program
        return None if self.not_applicable else Attempt(self.started, program).error

    @property
    def outcome(self) -> Outcome:
        """What it comes to; what is certain outranks what is not known, and unknown is never fine."""
        if self.start_error is not None:
            return Outcome.STOPPED
        if self.consequences is None or self.not_applicable:
            return Outcome.UNKNOWN
        if self.consequences.breaks:
            return Outcome.BREAKS
        return Outcome.UNKNOWN if self.consequences.unknown else Outcome.FINE
