"""How somebody starts a container: everything about it that decides the identity and is not in the image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StartedBy(StrEnum):
    """Who hands the container to a runtime."""

    DOCKER = "docker"  # docker run, docker compose
    PODMAN = "podman"
    KUBERNETES = "kubernetes"  # kubelet with containerd
    CRIO = "crio"  # kubelet with CRI-O, so OpenShift too


@dataclass(frozen=True, slots=True)
class UserNamespace:
    """Container ids 0 … ``size`` − 1 are ids ``start`` … on the host; all others are unmapped."""

    start: int
    size: int = 65_536


@dataclass(frozen=True, slots=True)
class Start:
    """A start with the settings that count; the default is a start without any.

    :param user: ``docker run -u`` or Compose ``user:``; replaces the image's USER entirely. ``None``: not set.
    :param run_as_user: Kubernetes ``runAsUser``; the container's own, else the pod's.
    :param run_as_group: Kubernetes ``runAsGroup``.
    :param supplemental_groups: ``supplementalGroups`` with ``fsGroup``, or ``--group-add`` by number.
    :param merge_groups: ``False`` under ``supplementalGroupsPolicy: Strict``: memberships in the image do not count.
    :param fs_group: ``fsGroup``: also what volumes belong to.
    :param openshift_range: first and last uid of the namespace's range, under restricted-v2.
    :param drop_capabilities: all capabilities are dropped, as Pod Security *restricted* demands.
    :param no_new_privileges: ``allowPrivilegeEscalation: false``.
    """

    by: StartedBy = StartedBy.DOCKER
    user: str | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: tuple[int, ...] = ()
    merge_groups: bool = True
    fs_group: int | None = None
    openshift_range: tuple[int, int] | None = None
    user_namespace: UserNamespace | None = None
    drop_capabilities: bool = False
    no_new_privileges: bool = False
