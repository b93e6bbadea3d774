"""What a request tells us: hints to ask the registry, and what was not understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The values of ``Push.Kind``."""

    PUSHED = "pushed"
    DELETED = "deleted"


class Odd(Exception):
    """The request is authentic and not what its product is documented to send; a person should look at it."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A tag that is said to have moved. Every name was checked against the grammar of the distribution spec.

    :param repository: as the registry's own ``/v2/`` knows it.
    :param tag: empty only for a deletion that names a digest.
    :param digest: empty where the product does not tell.
    :param event_key: what tells this event from every other one of the same sender; empty where nothing does.
    :param host: the registry the payload names; compared, never contacted.
    :param pusher: who is said to have pushed: a name that a person can read, from the sender and from nobody else.
    """

    kind: Kind
    repository: str
    tag: str
    digest: str = ""
    event_key: str = ""
    host: str = ""
    pusher: str | None = None


@dataclass(slots=True)
class Reading:
    """One request, read. ``ignored`` and ``odd`` say why the rest of it is no hint."""

    hints: list[Hint] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
