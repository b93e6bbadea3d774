"""JSON answers of a registry or token service: small, untrusted, read for a few fields."""

from __future__ import annotations

import json

from scanner.sources.registry.errors import refused


def json_object(body: bytes, subject: str) -> dict[str, object]:
    """Read an answer that must be one JSON object.

    :raises Refused: ``protocol-error``.
    """
    document = json_value(body, subject)
    if not isinstance(document, dict):
        raise refused("protocol-error", f"{subject}: the answer is not a JSON object")
    return document


def json_value(body: bytes, subject: str) -> object:
    """Read an answer that may be any JSON value.

    :raises Refused: ``protocol-error``.
    """
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise refused("protocol-error", f"{subject}: the answer is not JSON") from error
    return document
