"""Which repositories, tags and platforms of a registry are scanned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScanScope:
    """Globs of ``*`` and ``?``; no include pattern includes everything, an exclude pattern wins over an include.

    :param newest_tags: how many of each repository count, youngest first; ``None``: all.
    :param pushed_within_days: older tags do not count; ``None``: all do.
    :param platforms: ``os/architecture[/variant]`` of an index's images that are read; empty: all.
    """

    include_repositories: tuple[str, ...] = ()
    exclude_repositories: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    newest_tags: int | None = None
    pushed_within_days: int | None = None
    platforms: tuple[str, ...] = ()
