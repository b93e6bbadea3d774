"""Trees of layers made in memory, as the product sees them."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex, index_layer
from scanner.filesystem.rootfs import RootFs
from tests.support.images import Entry, Layer, layer


def indexed(made: Layer, limits: Limits = DEFAULT_LIMITS) -> LayerIndex:
    """A layer's index."""
    digest, diff_id = Digest(made.digest), Digest(made.diff_id)
    return index_layer(iter([made.blob]), digest=digest, size=len(made.blob), diff_id=diff_id, limits=limits)


def stacked(*trees: Mapping[str, Entry], limits: Limits = DEFAULT_LIMITS) -> RootFs:
    """The tree of some layers, bottom first."""
    return RootFs([indexed(layer(tree, "plain"), limits) for tree in trees], limits)
