"""Places where two readers of the same bytes come to different answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A place where the answer depends on who reads the image.

    :param code: ``duplicate-key``, ``folding-key``, ``duplicate-path``, ``whiteout-and-path``,
        ``parent-is-link``, ``platform-differs`` …
    :param where: JSON pointer or path.
    :param decides: whether it can change the identity (account files, User), rather than something we only show.
    """

    code: str
    where: str
    detail: str
    layer: int | None = None
    decides: bool = True
