"""What a waiver is bound to: how an image runs, in one word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

LENGTH: Final = 32


def run_key(user: str, uid: int | None, gid: int | None, entrypoint: Sequence[str] | None) -> str:
    """Make a key that is equal for images that run alike, and different as soon as one of these differs.

    :param user: what USER says, as it stands there.
    :param uid: who that is; ``None`` where the image does not start, and for ``gid`` too.
    :param entrypoint: ``None`` where there is none, which is not the same as an empty one.
    """
    said = [user, uid, gid, None if entrypoint is None else list(entrypoint)]
    document = json.dumps(said, separators=(",", ":"))
    return sha256(document.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
