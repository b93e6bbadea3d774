"""Who a container starts as, under one runtime, from the USER string and the account files alone.

::

    USER string ─┬─ docker          moby/sys user 0.4.1 ─ runc 1.2 or newer
                 ├─ docker-legacy   moby/sys user 0.4.0 ─ runc 1.1, which looks the ids up once more
                 ├─ containerd      its own look-up ─ the groups of whoever has the uid
                 ├─ crio            kubelet keeps the user half ─ moby/sys user 0.4.0
                 ├─ podman          account files with lines added ─ moby/sys user 0.4.0
                 ├─ kubernetes      kubelet keeps the user half ─ containerd
                 ├─ buildkit        what RUN gets: numbers as they are ─ moby/sys user 0.4.1
                 └─ buildah         what RUN gets: a parser of its own, which stops at the first odd line
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import NewType

from scanner.domain.accounts import AccountBytes as AccountBytes
from scanner.domain.buildah_user import buildah_user
from scanner.domain.buildkit_user import buildkit_user
from scanner.domain.containerd_user import containerd_user, kubernetes_user
from scanner.domain.crio_user import crio_user
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.derivation import Step as Step
from scanner.domain.exec_user import MOST_GROUPS, ExecUser, Version, exec_user
from scanner.domain.home import Surroundings, runc_home, surroundings
from scanner.domain.podman_user import podman_user
from scanner.domain.runc_user import SETUP, additional_groups, recheck
from scanner.domain.user_spec import go_text, split_user, to_uint32

Uid = NewType("Uid", int)
"""A uid as the kernel gets it: 0 … 4294967295."""

Gid = NewType("Gid", int)
"""A gid as the kernel gets it."""

_MINUS_ONE = 2**32 - 1
_REMEMBERED_BYTES = 8 * 1024


class Runtime(StrEnum):
    """Whose rules apply.

    ``docker`` is the current engine (moby/sys/user 0.4.1), ``containerd`` a version with CVE-2024-40635 and
    CVE-2026-46680 fixed, started with ``ctr`` or ``nerdctl``. Under ``kubernetes`` kubelet stands before such a
    containerd, under ``crio`` before CRI-O. ``buildkit`` and ``buildah`` build images: theirs is who ``RUN`` runs as.
    """

    DOCKER = "docker"
    DOCKER_LEGACY = "docker-legacy"
    CONTAINERD = "containerd"
    CRIO = "crio"
    PODMAN = "podman"
    KUBERNETES = "kubernetes"
    BUILDKIT = "buildkit"
    BUILDAH = "buildah"


RUNNERS = (
    Runtime.DOCKER,
    Runtime.DOCKER_LEGACY,
    Runtime.CONTAINERD,
    Runtime.CRIO,
    Runtime.PODMAN,
    Runtime.KUBERNETES,
)
"""Those that start containers, in the order reports and pages list them."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids a runtime hands to the kernel.

    :param groups: the supplementary gids the account files gave, in file order with their duplicates; the primary
        gid is among them where a group line says so. ``process_groups`` is what the process ends up with.
    """

    uid: Uid
    gid: Gid
    groups: tuple[Gid, ...] = ()
    home: str = "/"


@dataclass(frozen=True, slots=True)
class StartError:
    """The container does not start; ``message`` is the runtime's own words."""

    message: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """An answer and how it came about."""

    answer: Identity | StartError
    steps: tuple[Step, ...] = ()


def resolve(
    runtime: Runtime, user: str, accounts: AccountBytes, env: Sequence[str] = (), working_dir: str = ""
) -> Resolution:
    """Work out the identity; every answer has the steps that lead to it.

    :param user: the image's USER, verbatim.
    :param env: the image's environment, for HOME.
    :param working_dir: the image's WORKDIR, which is the home of a uid without an account under Podman and CRI-O.
    """
    # Images on one base share their account files and mostly the user: only what counts may be part of the key.
    around = surroundings(env, working_dir if runtime in _ASK_FOR_WORKING_DIR else "")
    sized = len(user) + len(accounts.passwd or b"") + len(accounts.group or b"") + len(around.home or "")
    answer = _remembered if sized + len(around.working_dir) <= _REMEMBERED_BYTES else _resolve
    return answer(runtime, user, accounts, around)


def _resolve(runtime: Runtime, user: str, accounts: AccountBytes, around: Surroundings) -> Resolution:
    trail = Trail()
    try:
        found = _found(runtime, go_text(user), accounts, around, trail)
    except StartRefused as refusal:
        trail.say(f"the container does not start: {refusal}")
        return Resolution(StartError(str(refusal)), tuple(trail.steps))
    identity = Identity(Uid(found.uid), Gid(found.gid), tuple(Gid(gid) for gid in found.groups), found.home)
    return Resolution(identity, tuple(trail.steps))


_remembered = lru_cache(maxsize=4_096)(_resolve)


def will_not_start(identity: Identity) -> StartError | None:
    """The kernel's refusal of id 4294967295, which is -1 and means *no change* to ``setuid(2)``, or of 65,536 groups.

    Source: runc ``setupUser``; supplementary groups, which hold the primary gid too, are set first.
    """
    if _MINUS_ONE in (identity.gid, *identity.groups) or len(identity.groups) >= MOST_GROUPS:
        return StartError("setgroups: invalid argument")
    if identity.uid == _MINUS_ONE:
        return StartError(f"cannot setuid to unmapped uid {identity.uid} in user namespace")
    return None


def process_groups(identity: Identity) -> tuple[int, ...]:
    """The supplementary gids a process has besides its primary one: once each, ascending, as the kernel keeps them."""
    return tuple(sorted(set(identity.groups) - {identity.gid}))


def _found(runtime: Runtime, user: str, accounts: AccountBytes, around: Surroundings, trail: Trail) -> ExecUser:
    """Who it is with ids of 32 bits and HOME."""
    own_home = _WITH_HOME.get(runtime)
    if own_home is not None:
        return _as_32_bits(own_home(user, accounts, around, trail))
    found = _as_32_bits(_BY_RUNC[runtime](user, accounts, trail))
    return replace(found, home=runc_home(found.uid, accounts.passwd, around, trail))


def _docker(user: str, accounts: AccountBytes, trail: Trail) -> ExecUser:
    return exec_user(split_user(user), accounts, Version.V0_4_1, trail)


def _docker_legacy(user: str, accounts: AccountBytes, trail: Trail) -> ExecUser:
    found = _as_32_bits(exec_user(split_user(user), accounts, Version.V0_4_0, trail))
    recheck(found.uid, found.gid, accounts)
    groups = additional_groups((found.gid, *found.groups), accounts.group, trail)
    if _MINUS_ONE in (found.uid, *groups):
        call = "setgroups: " if _MINUS_ONE in groups else ""
        raise StartRefused(f"{SETUP}: {call}invalid argument")
    return replace(found, groups=tuple(gid for gid in groups if gid != found.gid))


def _as_32_bits(found: ExecUser) -> ExecUser:
    groups = tuple(to_uint32(gid) for gid in found.groups)
    return ExecUser(to_uint32(found.uid), to_uint32(found.gid), groups, found.home)


_BY_RUNC: Mapping[Runtime, Callable[[str, AccountBytes, Trail], ExecUser]] = {
    Runtime.DOCKER: _docker,
    Runtime.DOCKER_LEGACY: _docker_legacy,
    Runtime.CONTAINERD: containerd_user,
    Runtime.KUBERNETES: kubernetes_user,
    Runtime.BUILDKIT: buildkit_user,
}
"""These leave HOME to runc."""

_WITH_HOME: Mapping[Runtime, Callable[[str, AccountBytes, Surroundings, Trail], ExecUser]] = {
    Runtime.CRIO: crio_user,
    Runtime.PODMAN: podman_user,
    Runtime.BUILDAH: buildah_user,
}
"""These have rules for HOME of their own."""

_ASK_FOR_WORKING_DIR = (Runtime.CRIO, Runtime.PODMAN)
