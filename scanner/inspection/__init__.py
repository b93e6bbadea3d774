"""The whole way for one image: source and reference in, ``ImageFacts`` out."""

from scanner.inspection.image import (
    ImageDocuments,
    NotApplicable,
    fetch_layer_index,
    image_facts,
    missing_contents,
    read_image,
)
from scanner.inspection.reference import InspectedImage, Inspection, LayerIndexCache, inspect

__all__ = [
    "ImageDocuments",
    "InspectedImage",
    "Inspection",
    "LayerIndexCache",
    "NotApplicable",
    "fetch_layer_index",
    "image_facts",
    "inspect",
    "missing_contents",
    "read_image",
]
