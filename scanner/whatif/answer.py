"""What is answered to *what would happen if somebody started this image so?*"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scanner.domain.identity import Identity, Resolution, Runtime, StartError
from scanner.domain.start import Start
from scanner.platforms.answer import PlatformAnswer


class RefusedBy(StrEnum):
    """Who says no before a runtime sees the container."""

    API = "kubernetes-api"
    OPENSHIFT = "openshift-admission"
    KUBELET = "kubelet"


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


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The whole answer."""

    started: Started
    platforms: Mapping[str, PlatformAnswer] = field(default_factory=dict)
