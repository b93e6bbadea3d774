"""What one hostile registry does, and what must come of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.hostile.case import BASE, run
from tests.hostile.rude_registry import Manner, Rude
from tests.support.images import Stored
from tests.support.layers import File, layer

HEAD, TAGS, MANIFEST, TOKEN = "/manifests/1", "/tags/list", "/manifests/sha256:", "/token"
LARGE = layer({"srv/data": File(random.Random(20).randbytes(300_000))}, "plain")
LAYER = f"/blobs/{LARGE.digest}"
Answer = Callable[[Rude], bool]


def shop() -> Stored:
    """A healthy image with one layer that takes more than one packet."""
    return run(BASE, LARGE)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One registry.

    :param expect: a verdict, or the code of a problem; several with ``|`` where it depends on timing.
    :param requests: how many of those that the manner is for may be sent.
    :param seconds: how long the whole scan may take.
    """

    id: str
    expect: str
    manner: Manner | None = None
    requests: int = 5
    seconds: float = 3.0
    limits: Mapping[str, float] = field(default_factory=dict)
    faults: Mapping[str, object] = field(default_factory=dict)
    make: Callable[[], Stored] = shop

    @property
    def group(self) -> str:
        """The attack alone."""
        return self.id.partition("/")[0]


def at(where: str, answer: Answer, method: str = "") -> Manner:
    """The manner for one kind of request."""
    return Manner(where, answer, method)


def raw(*parts: bytes) -> Answer:
    """Bytes instead of an answer."""
    return lambda rude: rude.write(*parts)


def head(status: str = "200 OK", /, **headers: object) -> bytes:
    """The head of an answer; underscores in names are hyphens."""
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def first(answer: Answer, times: int = 1) -> Answer:
    """So many times, and then as it should be."""
    return lambda rude: rude.server.spoiled <= times and answer(rude)
