"""Whether the two tables of contents of an archive say the same.

Newer archives of ``docker save`` have a manifest.json and an OCI layout's index.json. Docker's own store goes by the
first and containerd's by the second, so an archive whose tables differ is one image here and another there.
"""

from __future__ import annotations

from collections.abc import Iterable

from scanner.domain.limits import Limits
from scanner.domain.manifest import IndexManifest, parse_document
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import Digest
from scanner.sources.local_files import Files, read_file
from scanner.sources.local_images import Tagged
from scanner.sources.local_problems import refused
from scanner.sources.oci_layout import LayoutSource, blob_name


def check_agreement(files: Files, layout: LayoutSource, named: Iterable[Tagged], limits: Limits) -> None:
    """Compare the images of manifest.json, known by their configs, with what the layout has under the same names.

    :param named: the images of manifest.json.
    :raises Refused: ``source-ambiguous``.
    """
    entries = layout.entries()
    by_name: dict[tuple[str, str], set[Digest]] = {}
    for entry in entries:
        by_name.setdefault((entry.repository, entry.tag), set()).add(entry.digest)
    everything = {entry.digest for entry in entries}
    for one in named:
        tops = by_name.get((one.repository, one.tag), everything)
        if one.digest not in _configs(files, tops, limits):
            what = f"manifest.json and index.json name different images {one.repository}:{one.tag}"
            raise refused("source-ambiguous", what)


def _configs(files: Files, tops: Iterable[Digest], limits: Limits) -> set[Digest]:
    found: set[Digest] = set()
    level, seen = set(tops), set(tops)
    for _ in range(limits.index_depth + 1):
        below: set[Digest] = set()
        for digest in level:
            configs, children = _parts(files, digest, limits)
            found.update(configs)
            below.update(children)
        level = below - seen
        seen |= level
    return found


def _parts(files: Files, digest: Digest, limits: Limits) -> tuple[list[Digest], list[Digest]]:
    body = read_file(files, blob_name(digest), limits.manifest_bytes, "manifest_bytes")
    try:
        parsed = parse_document(body or b"", "", limits)
    except ImageProblem:
        return [], []  # a platform that was never pulled, or nothing that could be an image
    if isinstance(parsed, IndexManifest):
        return [], [child.digest for child in parsed.manifests]
    return [parsed.config.digest], []
