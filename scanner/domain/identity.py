"""Who a container starts as, under one runtime, from the USER string and the account files alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

Uid = NewType("Uid", int)
"""A uid as the kernel gets it: 0 … 4294967295."""

Gid = NewType("Gid", int)
"""A gid as the kernel gets it."""


class Runtime(StrEnum):
    """Whose rules apply. ``docker`` is the current engine (moby/sys/user 0.4.1)."""

    DOCKER = "docker"
    DOCKER_LEGACY = "docker-legacy"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the derivation, for people.

    :param text: one sentence: ``"app" is not a number, so it is looked up by name in /etc/passwd``.
    :param path: the file it looked at, ``line`` the 1-based line that decided, ``quote`` that line.
    """

    text: str
    path: str | None = None
    line: int | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What ``id`` prints; ``groups`` are the supplementary gids besides the primary, in file order."""

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


@dataclass(frozen=True, slots=True)
class AccountBytes:
    """The account files as a runtime gets them; ``None`` is a missing file."""

    passwd: bytes | None
    group: bytes | None


# resolve(runtime, user, accounts, env) -> Resolution is the face of this module.
