"""What a course on Dockerfiles warns of: one small image for each mistake, and one that makes none."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.support.demo.families import ALPINE, base_history, base_layer, program
from tests.support.images import Entry, File, Folder, Step, Stored, buildkit, image, index, layer

REPOSITORY = "training/mistakes"

_APP = "app:x:10001:0::/srv:/sbin/nologin\n"
_HOME: dict[str, Entry] = {"srv": Folder(0o775), "srv/server": program("course", 1_000)}
# CAP_NET_BIND_SERVICE, permitted and effective; VFS_CAP_REVISION_2 of linux/capability.h.
_BIND = struct.pack("<5I", 2 << 24 | 1, 1 << 10, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Lesson:
    """An image like the one without a mistake, but for what it says."""

    user: str = "10001:0"
    accounts: str = _APP
    entries: Mapping[str, Entry] = field(default_factory=dict)
    entrypoint: Sequence[str] = ("/srv/server",)
    steps: Sequence[str] = ("RUN adduser -S -D -H -u 10001 -G root -h /srv app",)
    port: str = "8080/tcp"

    def build(self, moment: datetime, platform: str = "linux/amd64") -> Stored:
        accounts = ALPINE.with_accounts(self.accounts)
        return image(
            [base_layer(ALPINE, platform), layer({**accounts, **_HOME, **self.entries})],
            user=self.user,
            env=("PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/srv"),
            workdir="/srv",
            entrypoint=self.entrypoint,
            exposed=[self.port],
            history=[*base_history(ALPINE), *self._history()],
            platform=platform,
            created=moment,
        )

    def _history(self) -> list[Step]:
        *before, last = (*self.steps, "COPY --from=build /out /")
        files = Step(f"{last} # buildkit", empty=False, comment="buildkit.dockerfile.v0")
        said = [Step(step, comment="buildkit.dockerfile.v0") for step in before]
        return [*said, files, *([buildkit(f"USER {self.user}")] if self.user else [])]


def _passwd(content: str, mode: int = 0o644) -> Mapping[str, Entry]:
    return {"etc/passwd": File((ALPINE.passwd + content).encode(), mode)}


def _disagreeing(moment: datetime) -> Stored:
    return index([_Lesson().build(moment), _Lesson(user="").build(moment, "linux/arm64")])


@dataclass(frozen=True, slots=True)
class Recipe:
    """:param rules: which the image violates, among others."""

    rules: tuple[str, ...]
    build: Callable[[datetime], Stored]


_SUDO: Mapping[str, Entry] = {
    "etc/sudoers": File(b"root ALL=(ALL) ALL\napp ALL=(ALL) NOPASSWD: ALL\n", 0o440),
    "usr/bin/sudo": program("sudo", 1_000, 0o4755),
}
_PRIVATE = File(program("private", 1_000).content, 0o700, 10001, 10001)

RECIPES: Mapping[str, Recipe] = {
    "none": Recipe((), _Lesson().build),
    "no-such-user": Recipe(("NR104",), _Lesson(user="deploy").build),
    "empty-group": Recipe(("NR113",), _Lesson(user="app:", accounts=_APP.replace(":0:", ":10001:")).build),
    "gosu": Recipe(
        ("NR101", "NR115"),
        _Lesson(
            user="",
            entries={"usr/local/bin": Folder(), "usr/local/bin/gosu": program("gosu", 1_000)},
            entrypoint=("gosu", "app", "/srv/server"),
        ).build,
    ),
    "open-passwd": Recipe(("NR203",), _Lesson(entries=_passwd(_APP, 0o664)).build),
    "no-password": Recipe(("NR205",), _Lesson(accounts=_APP + "web::10002:10002::/srv:/bin/sh\n").build),
    "chmod-777": Recipe(
        ("NR308", "NR502"), _Lesson(entries={"srv/data": Folder(0o777)}, steps=("RUN chmod -R 777 /srv/data",)).build
    ),
    "setcap": Recipe(
        ("NR401", "NR403"),
        _Lesson(
            entries={"srv/server": File(program("bind", 1_000).content, 0o755, capability=_BIND)}, port="80/tcp"
        ).build,
    ),
    "sudo": Recipe(("NR402", "NR404"), _Lesson(entries=_SUDO).build),
    "other-ids": Recipe(("NR405",), _Lesson(entries={"srv/model": File(b"weights\n", 0o644, 1_200_000, 0)}).build),
    "private-program": Recipe(("NR305", "NR306"), _Lesson(entries={"srv/server": _PRIVATE}).build),
    "base-was-better": Recipe(("NR105", "NR503"), _Lesson(user="app", steps=("USER 10001:0", "RUN touch /srv")).build),
    "useradd": Recipe(("NR105", "NR501"), _Lesson(user="app", steps=("RUN adduser -S -D -H -h /srv app",)).build),
    "platforms": Recipe(("NR112",), _disagreeing),
}
"""By tag."""
