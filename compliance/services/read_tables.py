"""Images whose big layers wait for the heavy queue: their tables of contents may show already that they fail.

A table is the packer's word. What it shows of an image is stored only where it fails, and then the layers need not be
read; everything else is read whole before it counts.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace

from django.conf import settings

from compliance.services.index_layers import Answer, WantedLayer
from scanner.domain.facts import ImageFacts
from scanner.domain.manifest import Descriptor
from scanner.domain.policy import Policy
from scanner.domain.problems import ScanProblem, SourceProblem
from scanner.domain.reference import Digest, RepositoryName
from scanner.domain.verdict import Verdict
from scanner.filesystem.layer_index import LayerIndex
from scanner.inspection import ImageDocuments, image_facts, missing_contents
from scanner.inspection.lazy_reading import read_by_table
from scanner.judge import judge
from scanner.sources.source import Source

logger = logging.getLogger(__name__)


def read_tables(
    source: Source,
    repository: RepositoryName,
    executor: Executor,
    images: Iterable[ImageDocuments],
    unread: Collection[str],
) -> dict[str, LayerIndex]:
    """What the tables of contents of some layers say, by digest; those without a usable one are left out."""
    layers: dict[str, tuple[Descriptor, Digest]] = {}
    for image in images:
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
            if layer.digest in unread:
                layers.setdefault(layer.digest, (layer, diff_id))

    def read(layer: Descriptor, diff_id: Digest) -> LayerIndex | None:
        try:
            return read_by_table(source, repository, layer, diff_id, settings.LIMITS)
        except SourceProblem:  # the layer is read whole later, and says then what is wrong
            return None
        except Exception:
            logger.exception("table of contents of layer %s could not be read", layer.digest)
            return None

    found = executor.map(read, *zip(*layers.values(), strict=True)) if layers else ()
    return {digest: index for digest, index in zip(layers, found, strict=True) if index is not None}


def failing_facts(
    image: ImageDocuments, tables: Mapping[str, LayerIndex], answers: Mapping[WantedLayer, Answer], policy: Policy
) -> ImageFacts | None:
    """Facts by tables of contents where they suffice for a fail; ``None`` where the layers have to be read.

    :param answers: for the layers that have no table.
    """
    read = {layer.digest: answer for layer, answer in answers.items() if isinstance(answer, LayerIndex)}
    indexes: list[LayerIndex] = []
    for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
        if layer.digest in tables:
            indexes.append(replace(tables[layer.digest], diff_id=diff_id))
        elif layer.digest in read:
            indexes.append(read[layer.digest])
        else:
            return None
    try:
        if missing_contents(indexes, settings.LIMITS):
            return None
        facts = image_facts(image, indexes, settings.LIMITS)
    except ScanProblem:
        return None
    return facts if isinstance(facts, ImageFacts) and judge(facts, policy).verdict is Verdict.FAIL else None
