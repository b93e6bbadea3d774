"""Who an image runs as under every runtime that starts containers: what rules that compare runtimes share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from scanner.domain.facts import ImageFacts
from scanner.domain.identity import RUNNERS, Identity, Runtime, StartError, will_not_start
from scanner.domain.resolution import resolve_facts
from scanner.domain.same_facts import SameFacts

NAMES: Mapping[Runtime, str] = {
    Runtime.DOCKER: "Docker",
    Runtime.DOCKER_LEGACY: "Docker with runc 1.1",
    Runtime.CONTAINERD: "containerd",
    Runtime.CRIO: "Kubernetes with CRI-O",
    Runtime.PODMAN: "Podman",
    Runtime.KUBERNETES: "Kubernetes with containerd",
}
"""The runners, for people."""

KUBELETS = (Runtime.CRIO, Runtime.KUBERNETES)
"""Those behind kubelet, which drops the group half of USER."""


def runner_answers(facts: ImageFacts) -> Mapping[Runtime, Identity | StartError]:
    """What each runner makes of the image; what the kernel refuses is a ``StartError`` as well."""
    return _answers(SameFacts(facts))


@lru_cache(maxsize=4)
def _answers(key: SameFacts) -> Mapping[Runtime, Identity | StartError]:
    return {runtime: _settled(resolve_facts(runtime, key.facts).answer) for runtime in RUNNERS}


def _settled(answer: Identity | StartError) -> Identity | StartError:
    return (will_not_start(answer) or answer) if isinstance(answer, Identity) else answer
