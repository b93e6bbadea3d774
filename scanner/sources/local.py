"""Opens whatever a reference or a registry's address names on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.sources.docker_archive import open_docker_archive
from scanner.sources.local_images import LocalSource
from scanner.sources.local_names import Kind, LocalReference
from scanner.sources.oci_layout import open_oci_layout


@contextmanager
def opened(kind: Kind, path: str, limits: Limits = DEFAULT_LIMITS) -> Iterator[LocalSource]:
    """Open a source and close it afterwards.

    :param path: of the folder or archive; an engine has none.
    :raises SourceProblem: named by what is wrong with it.
    :raises LimitExceeded: where an archive or its listing passes a limit.
    """
    with closing(_open(kind, path, limits)) as source:
        yield source


def _open(kind: Kind, path: str, limits: Limits) -> LocalSource:
    if kind is Kind.LAYOUT:
        return open_oci_layout(Path(path), limits)
    if kind is Kind.ARCHIVE:
        return open_docker_archive(Path(path), limits)
    # The SDK takes a third of a second to import, which only those who ask an engine pay.
    from scanner.sources.docker_engine import EngineSource

    return EngineSource(limits)


def place_of(reference: LocalReference) -> tuple[str, str]:
    """The path and the name in a reference; the path of an engine is empty."""
    return ("", reference.rest) if reference.kind is Kind.ENGINE else reference.apart()
