"""Who a container starts as, under one runtime, from the USER string and the account files alone.

::

    USER string ─┬─ docker          moby/sys user 0.4.1 ─ runc 1.2 or newer
                 ├─ docker-legacy   moby/sys user 0.4.0 ─ runc 1.1, which looks the ids up once more
                 └─ kubernetes      kubelet keeps the user half ─ containerd
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NewType

from scanner.domain.accounts import AccountBytes as AccountBytes
from scanner.domain.containerd_user import kubernetes_user
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.derivation import Step as Step
from scanner.domain.exec_user import MOST_GROUPS, ExecUser, Version, exec_user
from scanner.domain.runc_user import SETUP, additional_groups, home_of, recheck
from scanner.domain.user_spec import go_text, split_user, to_uint32

Uid = NewType("Uid", int)
"""A uid as the kernel gets it: 0 … 4294967295."""

Gid = NewType("Gid", int)
"""A gid as the kernel gets it."""

_MINUS_ONE = 2**32 - 1
_REMEMBERED_BYTES = 16 * 1024


class Runtime(StrEnum):
    """Whose rules apply. ``docker`` is the current engine (moby/sys/user 0.4.1)."""

    DOCKER = "docker"
    DOCKER_LEGACY = "docker-legacy"
    KUBERNETES = "kubernetes"


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


def resolve(runtime: Runtime, user: str, accounts: AccountBytes, env: Sequence[str] = ()) -> Resolution:
    """Work out the identity; every answer has the steps that lead to it.

    :param user: the image's USER, verbatim.
    :param env: the image's environment, for HOME.
    """
    # Of the environment only HOME counts, and images on one base share their account files and mostly the user.
    homes = tuple(item for item in env if item.startswith("HOME="))
    sized = len(user) + len(accounts.passwd or b"") + len(accounts.group or b"") + sum(map(len, homes))
    answer = _remembered if sized <= _REMEMBERED_BYTES else _resolve
    return answer(runtime, user, accounts, homes)


def _resolve(runtime: Runtime, user: str, accounts: AccountBytes, env: tuple[str, ...]) -> Resolution:
    trail = Trail()
    try:
        found = _ids(runtime, go_text(user), accounts, trail)
    except StartRefused as refusal:
        trail.say(f"the container does not start: {refusal}")
        return Resolution(StartError(str(refusal)), tuple(trail.steps))
    identity = Identity(
        Uid(found.uid), Gid(found.gid), tuple(Gid(gid) for gid in found.groups), _home(found.uid, accounts, env, trail)
    )
    return Resolution(identity, tuple(trail.steps))


_remembered = lru_cache(maxsize=1_024)(_resolve)


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


def _ids(runtime: Runtime, user: str, accounts: AccountBytes, trail: Trail) -> ExecUser:
    if runtime is Runtime.KUBERNETES:
        return _as_32_bits(kubernetes_user(user, accounts, trail))
    if runtime is Runtime.DOCKER:
        return _as_32_bits(exec_user(split_user(user), accounts, Version.V0_4_1, trail))
    found = _as_32_bits(exec_user(split_user(user), accounts, Version.V0_4_0, trail))
    recheck(found.uid, found.gid, accounts)
    groups = additional_groups((found.gid, *found.groups), accounts.group, trail)
    if _MINUS_ONE in (found.uid, *groups):
        call = "setgroups: " if _MINUS_ONE in groups else ""
        raise StartRefused(f"{SETUP}: {call}invalid argument")
    return ExecUser(found.uid, found.gid, tuple(to_uint32(gid) for gid in groups if gid != found.gid), found.home)


def _as_32_bits(found: ExecUser) -> ExecUser:
    groups = tuple(to_uint32(gid) for gid in found.groups)
    return ExecUser(to_uint32(found.uid), to_uint32(found.gid), groups, found.home)


def _home(uid: int, accounts: AccountBytes, env: Sequence[str], trail: Trail) -> str:
    declared = [item.removeprefix("HOME=") for item in env if item.startswith("HOME=")]
    if declared and declared[-1]:
        trail.say(f"HOME is {declared[-1]}, from the image's environment")
        return declared[-1]
    home = home_of(uid, accounts.passwd)
    trail.say(f'HOME is "{home}", from the first line of /etc/passwd with uid {uid}, or "/" without one')
    return home
