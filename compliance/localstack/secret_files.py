"""Files only their owner may read, replaced whole or not at all."""

import os
import secrets
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Write a file of mode 0600; a reader sees the old text or the new one, never half of it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    unfinished.replace(path)


def read_or_make(path: Path) -> str:
    """Return the password a file holds, making both when there is none."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(24))
    return path.read_text()
