"""The image a deployment names, with what Docker, containerd and kubelet add to a short name.

Source: distribution/reference ``ParseDockerRef``: no registry means ``docker.io``, no folder there ``library``, no tag
``latest``; where a tag and a digest stand together the digest decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanner.domain.reference import InvalidReference, Reference, parse_reference

_HEX_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST = 1_000
_DOCKER_HUB = ("docker.io", "index.docker.io")


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image as written.

    :param reference: what it means; ``None`` where nothing is named, or nobody can tell what.
    :param unclear: why there is no reference: one sentence.
    """

    written: str
    line: int
    reference: Reference | None = None
    unclear: str = ""

    @property
    def pinned(self) -> bool:
        """Whether it names one image for ever."""
        return self.reference is not None and self.reference.digest is not None

    @property
    def latest(self) -> bool:
        """Whether it follows ``latest``, said or not."""
        return self.reference is not None and self.reference.digest is None and self.reference.tag == "latest"


def image_name(written: str, line: int) -> ImageName:
    """Read an image's name as a container engine does."""
    if len(written) > _LONGEST:
        return ImageName(written[:_LONGEST], line, unclear=f"it is longer than {_LONGEST} characters")
    if _HEX_ID.fullmatch(written):
        said = "invalid repository name, cannot specify 64-byte hexadecimal strings"
        return ImageName(written, line, unclear=said)
    try:
        return ImageName(written, line, parse_reference(normalized(written)))
    except InvalidReference as problem:
        return ImageName(written, line, unclear=f"invalid reference format: {problem}")


def normalized(written: str) -> str:
    """The name with its registry written out."""
    first, slash, rest = written.partition("/")
    if not slash or not _is_registry(first):
        first, rest = "docker.io", written
    if first in _DOCKER_HUB:
        path = rest.partition("@")[0]
        rest = rest if "/" in path else f"library/{rest}"
        first = "docker.io"
    return f"{first}/{rest}"


def _is_registry(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost" or first != first.lower()
