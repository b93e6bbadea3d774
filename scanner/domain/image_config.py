"""The image config document, read as Go's ``encoding/json`` reads it into the OCI / Docker structs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scanner.domain.reference import Digest


@dataclass(frozen=True, slots=True)
class Platform:
    """OCI platform; ``os_version`` matters on Windows only."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of ``history``; ``empty_layer`` entries changed the config only."""

    created_by: str
    created: datetime | None
    comment: str
    empty_layer: bool


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """``user`` is the verbatim string, as declared; ``""`` where it is absent or null."""

    user: str
    platform: Platform
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    created: datetime | None = None
    diff_ids: tuple[Digest, ...] = ()
    history: tuple[HistoryEntry, ...] = ()

    def environment(self, name: str) -> str | None:
        """The value of an environment variable; the last one wins, as in the kernel's callers."""
        prefix = f"{name}="
        found = [item[len(prefix) :] for item in self.env if item.startswith(prefix)]
        return found[-1] if found else None
