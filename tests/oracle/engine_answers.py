"""The same question asked of a real Docker engine and of us."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from tests.oracle.cases import Case, Fixture
from tests.support.engine import Engine
from tests.support.images import Entry, File, Folder, Layer, Stored, docker_archive, image, layer
from tests.support.static_id import Printed, parse_printed, static_id

AT_ONCE = 2
"""Containers started side by side: one per core."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The container did not start; ``words`` are all the engine printed, or the one message we gave."""

    words: str


Answer = Printed | Refused


def oracle_image(fixture: Fixture, user: str = "") -> Stored:
    """An image that holds the account files and ``id``, nothing else."""
    entries: dict[str, Entry] = {"etc": Folder()}
    for path, text in (("etc/passwd", fixture.passwd), ("etc/group", fixture.group)):
        if text is not None:
            entries[path] = File(text.encode("utf-8", "surrogateescape"))
    return image([_id_layer(), layer(entries)], user=user, entrypoint=["/id"])


@cache
def _id_layer() -> Layer:
    return layer({"id": File(static_id(), 0o755)})


def load(engine: Engine, images: dict[str, Stored]) -> None:
    engine.docker("load", stdin=docker_archive(images))


def ask_container(engine: Engine, name: str, options: tuple[str, ...] = ()) -> Answer:
    """Start a container and hear what its process says."""
    done = engine.docker("run", "--rm", "--network", "none", *options, name, check=False)
    return parse_printed(done.stdout) if done.returncode == 0 else Refused(done.stderr)


def ask_engine(engine: Engine, cases: list[Case]) -> list[Answer]:
    """Every case with ``docker run --user``, which the engine resolves as it does the image's own USER."""
    names = {fixture: f"oracle:{n}" for n, fixture in enumerate(dict.fromkeys(case.fixture for case in cases))}
    load(engine, {name: oracle_image(fixture) for fixture, name in names.items()})

    def ask(case: Case) -> Answer:
        # An empty option means "as the image says", and the image says nothing: the same question.
        return ask_container(engine, names[case.fixture], (f"--user={case.user}",))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, cases))


def ask_us(cases: list[Case]) -> list[Answer]:
    """Every case through the command line, as the contract has it."""
    questions = "".join(
        json.dumps({"user": case.user, "passwd": case.fixture.passwd, "group": case.fixture.group}) + "\n"
        for case in cases
    )
    command = [sys.executable, "-m", "scanner", "identity", "--jsonl", "--runtime", "docker-legacy"]
    done = subprocess.run(command, input=questions.encode(), capture_output=True, check=True, timeout=60)
    return [_ours(json.loads(line)) for line in done.stdout.splitlines()]


def _ours(found: dict[str, object]) -> Answer:
    if "error" in found:
        return Refused(str(found["error"]))
    groups = found["groups"]
    assert isinstance(groups, list)
    return Printed(
        int(str(found["uid"])), int(str(found["gid"])), frozenset(groups) - {found["gid"]}, str(found["home"])
    )


def agree(engine: Answer, ours: Answer) -> bool:
    """Whether both say the same; a refusal must be in the engine's own words."""
    if isinstance(engine, Refused) and isinstance(ours, Refused):
        return bool(ours.words) and ours.words in engine.words
    return engine == ours
