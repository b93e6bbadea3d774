"""What lazy runtimes would see of an image: its layers' tables of contents, where they are not what Docker unpacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from scanner.domain.ambiguity import Ambiguity
from scanner.domain.manifest import Descriptor
from scanner.domain.printable import printable
from scanner.filesystem import stargz, zstd_chunked
from scanner.filesystem.layer_index import LayerIndex

TOC_DIFFERS: Final = "toc-differs"
_WHERE = "table of contents"


def toc_ambiguities(layers: Sequence[Descriptor], indexes: Sequence[LayerIndex]) -> Iterator[Ambiguity]:
    """Layers whose table of contents differs from their archive, or that name another table than they have.

    A lazy runtime believes the table, so that two runtimes would see two images.
    """
    for position, (layer, index) in enumerate(zip(layers, indexes, strict=True)):
        if index.from_toc:
            continue  # whoever read the table by its annotation compared their digests
        if index.toc is not None and index.toc.differs:
            yield Ambiguity(TOC_DIFFERS, _WHERE, printable(index.toc.differs, longest=500), position)
        else:
            yield from _named_otherwise(position, layer, index)


def _named_otherwise(position: int, layer: Descriptor, index: LayerIndex) -> Iterator[Ambiguity]:
    found = index.toc.digest if index.toc is not None else "none"
    for annotation in (stargz.ANNOTATION, *zstd_chunked.ANNOTATIONS):
        named = layer.annotation(annotation)
        if named and named != found:
            detail = f"the manifest names {printable(named, longest=150)}, the layer ends with {found}"
            # podman looks where another annotation says, stargz-snapshotter only at the end of the layer.
            decides = annotation in zstd_chunked.ANNOTATIONS or index.toc is not None
            yield Ambiguity(TOC_DIFFERS, _WHERE, detail, position, decides=decides)
