"""Open what lies on the worker's own machine, where its operator allows it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from django.conf import settings

from compliance.models import Registry
from scanner.sources.local import opened
from scanner.sources.local_images import LocalSource
from scanner.sources.local_names import Kind
from scanner.sources.local_problems import refused


def open_local_source(registry: Registry) -> AbstractContextManager[LocalSource]:
    """Open a source that is no registry, when the context is entered.

    :raises Refused: ``source-forbidden`` where the operator does not allow it.
    """
    kind, path = allowed_place(registry.url)
    return opened(kind, path, settings.LIMITS)


def allowed_place(url: str) -> tuple[Kind, str]:
    """What a registry's address names on this machine, links followed; an engine has no path.

    :raises Refused: ``source-forbidden``.
    """
    prefix, _, rest = url.partition(":")
    kind = Kind(prefix)
    if kind is Kind.ENGINE:
        if not settings.DOCKER_SOURCE:
            raise refused("source-forbidden", "The workers' operator does not let the Docker engine be scanned")
        return kind, ""
    try:
        path = Path(rest).resolve()
        allowed = any(path.is_relative_to(Path(folder).resolve()) for folder in settings.LOCAL_SOURCES)
    except (OSError, RuntimeError, ValueError):  # a loop of links, a zero byte
        allowed = False
    if not allowed:
        raise refused("source-forbidden", f"The workers' operator does not let {rest[:200]!r} be scanned")
    return kind, str(path)
