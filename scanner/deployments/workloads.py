"""What deployment files say, whoever they are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from scanner.deployments.fields import Fault
from scanner.deployments.image_names import ImageName
from scanner.domain.start import Start


class Role(StrEnum):
    """What a container is in its pod."""

    CONTAINER = "container"
    INIT = "init container"
    EPHEMERAL = "ephemeral container"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    :param document: counted from 1; ``line`` too.
    :param path: from the document's root.
    """

    document: int
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume in a container.

    :param kind: the key of its type: ``emptyDir``, ``persistentVolumeClaim`` …; ``""`` where it is not declared.
    """

    volume: str
    path: str
    kind: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Privileges:
    """What a container may do besides who it is. ``None``: not set.

    :param escalation: ``allowPrivilegeEscalation``; in Compose ``False`` for ``no-new-privileges``.
    :param seccomp: the type of its own profile.
    """

    privileged: bool | None = None
    escalation: bool | None = None
    read_only_root: bool | None = None
    drop: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    seccomp: str | None = None

    @property
    def drops_all(self) -> bool:
        """Whether it starts without capabilities, those it adds aside."""
        return "ALL" in self.drop


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """What a container itself says of its user, apart from its pod."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One container.

    :param image: ``None`` where it names none.
    :param built: a Compose service that is built from a folder.
    :param start: everything that decides the identity, pod and container taken together.
    :param own_command: whether it replaces the image's command.
    :param open: why parts of it are not known: variables without a value, another file. One sentence each.
    :param undecided: whether one of those decides the identity.
    :param assumed: variables for which a default was taken, as ``NAME=default``.
    """

    name: str
    role: Role
    place: Place
    image: ImageName | None
    start: Start
    privileges: Privileges = field(default_factory=Privileges)
    own: OwnIdentity = field(default_factory=OwnIdentity)
    mounts: tuple[Mount, ...] = ()
    group_names: tuple[str, ...] = ()
    built: bool = False
    own_command: bool = False
    open: tuple[str, ...] = ()
    undecided: bool = False
    assumed: tuple[str, ...] = ()
    host_users: bool = False


@dataclass(frozen=True, slots=True)
class Pod:
    """What holds for all containers of a pod.

    :param groups: ``supplementalGroups``.
    :param merge_groups: ``False`` under ``supplementalGroupsPolicy: Strict``.
    :param volumes: name and the key of its type.
    :param open: why something that decides the identity is not known.
    """

    run_as_user: int | None = None
    run_as_group: int | None = None
    groups: tuple[int, ...] = ()
    merge_groups: bool = True
    fs_group: int | None = None
    run_as_non_root: bool | None = None
    seccomp: str | None = None
    host_users: bool | None = None
    host_namespaces: tuple[str, ...] = ()
    os: str = ""
    volumes: tuple[tuple[str, str], ...] = ()
    open: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workload:
    """A pod template, or a Compose service.

    :param source: the template of a rendered chart.
    :param faults: what the API server, or Compose, refuses.
    :param pod: ``None`` for Compose.
    """

    kind: str
    name: str
    namespace: str
    source: str
    place: Place
    containers: tuple[Container, ...]
    pod: Pod | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """All workloads of a file.

    :param skipped: kinds of objects that start nothing, with how many there are.
    :param unread: objects that seem to hold containers in a place nobody told us of.
    """

    workloads: tuple[Workload, ...]
    skipped: tuple[tuple[str, int], ...] = ()
    unread: tuple[tuple[str, Place], ...] = ()
