"""Who an image runs as under every runtime that starts containers: what rules that compare runtimes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.identity import RUNNERS, AccountBytes, Identity, Runtime, StartError, resolve, will_not_start
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


Answers = Mapping[Runtime, Identity | StartError]

_REMEMBERED_BYTES = 8 * 1024
# What CRI-O refuses in HOME, so that HOME has a say in who it is.
_REFUSED_BY_CRIO = "\\n"


def runner_answers(facts: ImageFacts) -> Answers:
    """What each runner makes of the image, HOME left out: it is empty in every identity.

    What the kernel refuses is a ``StartError`` as well.
    """
    passwd, group, env = facts.passwd, facts.group, facts.config.env
    ordinary = _is_ordinary(passwd) and _is_ordinary(group) and len(facts.config.user) <= _REMEMBERED_BYTES
    if ordinary and not any(item.startswith("HOME=") and _REFUSED_BY_CRIO in item for item in env):
        # Images on one base share their accounts: without HOME and WORKDIR few questions are new.
        return _of_accounts(facts.config.user, passwd.as_read(), group.as_read())
    return _of_facts(SameFacts(facts))


def _is_ordinary(file: AccountFile) -> bool:
    readable = file.state is ReadState.PRESENT or file.state is ReadState.MISSING
    return readable and not file.links and len(file.content) <= _REMEMBERED_BYTES


@lru_cache(maxsize=4_096)
def _of_accounts(user: str, passwd: bytes | None, group: bytes | None) -> Answers:
    accounts = AccountBytes(passwd, group)
    return {runtime: _settled(resolve(runtime, user, accounts).answer) for runtime in RUNNERS}


@lru_cache(maxsize=4)
def _of_facts(key: SameFacts) -> Answers:
    return {runtime: _settled(resolve_facts(runtime, key.facts).answer) for runtime in RUNNERS}


def _settled(answer: Identity | StartError) -> Identity | StartError:
    return will_not_start(answer) or replace(answer, home="") if isinstance(answer, Identity) else answer
