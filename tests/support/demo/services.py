"""One service of an invented company: what its repository holds, and how one of its releases is built."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from tests.support.artifacts import attestation
from tests.support.demo import habits
from tests.support.demo.families import (
    Family,
    base_history,
    base_layer,
    noise,
    program,
)
from tests.support.demo.habits import Habit
from tests.support.images import (
    Compression,
    Entry,
    Folder,
    Layer,
    Step,
    Stored,
    buildkit,
    image,
    index,
    layer,
)

FIRST = -10_000
"""A day before every other: the habit a service began with."""


@dataclass(frozen=True, slots=True)
class Service:
    """One repository.

    :param habits: (day, habit) pairs in order: releases from that day on are built that way. Days count from 1.
    :param arm: the same for its linux/arm64 image, where it has one; empty means it is built for amd64 only.
    :param before: releases made before the first day; ``every`` is the mean number of days between releases.
    :param rebuilt: (day, habit) pairs: the newest version is built again, under the tag it has.
    :param swept: days on which versions that were made in another way are built again, under the tags they have.
    :param keep: how many version tags are kept; older ones are deleted.
    """

    repository: str
    family: Family
    program: str
    habits: tuple[tuple[int, Habit], ...]
    arm: tuple[tuple[int, Habit], ...] = ()
    version: tuple[int, int] = (1, 0)
    before: int = 6
    every: float = 7.0
    rebuilt: tuple[tuple[int, Habit], ...] = ()
    swept: tuple[int, ...] = ()
    keep: int = 9
    born: int = FIRST
    dies: int | None = None
    port: str = "8080/tcp"
    volumes: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    compression: Compression = "gzip"
    attested: bool = False
    signed: bool = False
    promoted: bool = True


def habit_on(day: int, timeline: tuple[tuple[int, Habit], ...]) -> Habit:
    return [habit for since, habit in timeline if since <= day][-1]


def version_of(service: Service, number: int) -> str:
    major, minor = service.version
    return f"{major}.{minor + number // 4}.{number % 4}"


def build(service: Service, number: int, habit: Habit, arm: Habit | None, moment: datetime) -> Stored:
    """Release ``number`` of a service, built at ``moment``."""
    amd64 = _image(service, number, habit, "linux/amd64", moment)
    children = [amd64, *([_image(service, number, arm, "linux/arm64", moment)] if arm else [])]
    if service.attested:
        children += [attestation(child) for child in list(children)]
    return index(children) if len(children) > 1 else amd64


def _image(service: Service, number: int, habit: Habit, platform: str, moment: datetime) -> Stored:
    family = service.family
    accounts, remapped = habits.account_layer(habit, family), habits.remap_layer(habit, family)
    layers = [base_layer(family, platform), _dependencies(service, platform), accounts, _app(service, number, habit)]
    return image(
        [item for item in (*layers, remapped) if item is not None],
        user=habit.user,
        env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *service.env),
        workdir="/app",
        volumes=service.volumes,
        entrypoint=_entrypoint(service),
        cmd=[service.program],
        exposed=[service.port],
        labels={
            "org.opencontainers.image.base.name": family.base,
            "org.opencontainers.image.version": version_of(service, number),
            "org.opencontainers.image.source": f"https://git.example/{service.repository}",
        },
        history=_history(service, habit),
        platform=platform,
        created=moment,
    )


def _entrypoint(service: Service) -> list[str]:
    """A script, or the program itself where there is no shell to run one."""
    return ["/app/start"] if service.family.shell else [f"/usr/local/bin/{service.program}"]


@cache
def _dependencies(service: Service, platform: str) -> Layer:
    binary = program(f"{service.program} {platform}", 30_000)
    entries: dict[str, Entry] = {"usr/local/bin": Folder(), f"usr/local/bin/{service.program}": binary}
    return layer(entries, service.compression)


def _app(service: Service, number: int, habit: Habit) -> Layer:
    folder = Folder(0o775 if habit.group_writable else 0o755, *habit.owner)
    version = version_of(service, number)
    start = f"#!/bin/sh\nexec {service.program} --serve\n".encode()
    entries: dict[str, Entry] = {
        "app": folder,
        "app/start": habits.owned(habit, start, executable=True),
        "app/VERSION": habits.owned(habit, f"{version}\n".encode()),
        "app/bundle": habits.owned(habit, noise(f"{service.repository} {number}", 6_000)),
    }
    entries |= {path.lstrip("/"): folder for path in service.volumes if path.startswith("/app/")}
    return layer(entries, service.compression)


def _history(service: Service, habit: Habit) -> list[Step]:
    return [
        *base_history(service.family),
        buildkit(f"COPY /opt/dist/{service.program} /usr/local/bin/ # buildkit"),
        *habits.account_steps(habit, service.family),
        buildkit("WORKDIR /app"),
        buildkit(f"COPY --chown={habit.owner[0]}:{habit.owner[1]} dist/ /app # buildkit"),
        *[buildkit(f"VOLUME [{path}]") for path in service.volumes],
        buildkit(f"EXPOSE [{service.port}]"),
        *habits.closing_steps(habit),
        buildkit(f"ENTRYPOINT {json.dumps(_entrypoint(service))}"),
        buildkit(f'CMD ["{service.program}"]'),
    ]
