"""Names of images on this machine: what people write, and which repository and tag of a source that is.

A registry's own name may be part of them, with a port, which no repository's name can hold: there it is written with
``_`` in place of ``:``, in ``registry.example_5000/team/shop``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scanner.domain.reference import (
    Digest,
    InvalidReference,
    RepositoryName,
    TagName,
    parse_digest,
    parse_repository,
    parse_tag,
)

_PORT: Final = re.compile(r"([a-z0-9.-]+):([0-9]{1,5})(/.+)", re.ASCII | re.DOTALL)
_MARKED_PORT: Final = re.compile(r"([a-z0-9.-]+)_([0-9]{1,5})(/.+)", re.ASCII | re.DOTALL)
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+", re.ASCII)
_DEFAULTS: Final = ("docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/")
_LONGEST_SHOWN: Final = 5
LATEST: Final = TagName("latest")


class Kind(StrEnum):
    """What holds the images; each is the prefix of a reference, as skopeo and podman write it."""

    ENGINE = "docker-daemon"
    LAYOUT = "oci"
    ARCHIVE = "docker-archive"


@dataclass(frozen=True, slots=True)
class LocalReference:
    """``docker-daemon:NAME``, ``oci:PATH[:TAG]`` or ``docker-archive:PATH[:NAME]``.

    :param rest: what follows the prefix, as it was written.
    """

    kind: Kind
    rest: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.rest}"

    def apart(self) -> tuple[str, str]:
        """The path and the name, which is empty where there is none: a path holds no colon, as for other tools."""
        path, _, name = self.rest.partition(":")
        return path, name


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for in a source."""

    repository: RepositoryName
    reference: TagName | Digest


def parse_local_reference(text: str) -> LocalReference | None:
    """Read a reference to an image on this machine; ``None`` for all others.

    The prefixes are a contract: ``oci:5000/app`` is a folder and never a registry named ``oci``.

    :raises InvalidReference: where nothing follows the prefix, or not a name of an image of the engine.
    """
    prefix, colon, rest = text.partition(":")
    if not colon or prefix not in list(Kind):
        return None
    found = LocalReference(Kind(prefix), rest)
    if found.kind is Kind.ENGINE:
        parse_image_name(rest)
    elif not found.apart()[0] or "\0" in rest:
        raise InvalidReference("reference", text)
    return found


def parse_image_name(text: str) -> Named:
    """Read ``[registry[:port]/]repository[:tag]`` or ``sha256:<id>``.

    :raises InvalidReference: for everything else.
    """
    if text.startswith("sha256:"):
        return Named(RepositoryName("images"), parse_digest(text))
    path, slash, last = text.rpartition("/")
    name, colon, tag = last.partition(":")
    repository = parse_repository(as_repository(f"{path}{slash}{name}"))
    return Named(repository, parse_tag(tag) if colon else LATEST)


def as_repository(name: str) -> str:
    """A name without tag as a repository's name; Docker Hub's own prefixes, which engines leave out, are left out."""
    short = next((name.removeprefix(prefix) for prefix in _DEFAULTS if name.startswith(prefix)), name)
    return _PORT.sub(r"\1_\2\3", short)


def as_image_name(repository: str) -> str:
    """The other way round: the name by which an engine knows a repository."""
    return _MARKED_PORT.sub(r"\1:\2\3", repository)


def repository_of_path(path: str) -> RepositoryName:
    """A repository's name for images that have none of their own: that of the file or folder they are in."""
    name = path.rstrip("/").rpartition("/")[2].lower()
    stem = name.removesuffix(".gz").removesuffix(".tar").removesuffix(".tgz")
    return RepositoryName(_NOT_IN_NAMES.sub("-", stem).strip("-")[:200].strip("-") or "images")


def tag_of_digest(digest: Digest) -> TagName:
    """A tag for an image that has none: ``sha256-…``, so that it is listed at all."""
    return TagName(digest.replace(":", "-")[:128])


def some_of(names: Iterable[str]) -> str:
    """Some names for a message, and how many more there are."""
    found = sorted(set(names))
    more = f" and {len(found) - _LONGEST_SHOWN} more" if len(found) > _LONGEST_SHOWN else ""
    return (", ".join(found[:_LONGEST_SHOWN]) or "nothing") + more
