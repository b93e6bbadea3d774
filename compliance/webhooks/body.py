"""JSON of senders, bounded; a document two readers could understand differently is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from compliance.webhooks.hint import Odd
from scanner.domain.go_json import Document, JsonBounds, Number, Pairs, read_json
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem

Object: TypeAlias = Mapping[str, object]

MOST_BYTES: Final = 2**20
_BOUNDS: Final = JsonBounds(size=MOST_BYTES, depth=32, values=20_000)
_DOCUMENT: Final = Document("The body", "bad-webhook", "webhook_bytes")


def parse_object(body: bytes) -> Object:
    """Read a body that must be one JSON object. Numbers are ``Number``: text that tells it was one.

    :raises Odd: for anything else, for a key that stands twice, and beyond 32 levels or 20,000 values.
    """
    try:
        value = _plain(read_json(body, _BOUNDS, _DOCUMENT))
    except ImageProblem as problem:
        raise Odd(problem.message) from None
    if not isinstance(value, Mapping):
        raise Odd("The body is not a JSON object.")
    return value


def _plain(value: object) -> object:
    if isinstance(value, Pairs):
        found = {key: _plain(item) for key, item in value}
        if len(found) != len(value):
            raise Odd("An object of the body holds a key twice.")
        return found
    return [_plain(item) for item in value] if isinstance(value, list) else value


def text(value: object, *path: str) -> str:
    """The string at a path of keys; empty where a key is missing or null.

    :raises Odd: where there is something else than objects on the way and a string at its end.
    """
    found = _at(value, path)
    if found is None:
        return ""
    if isinstance(found, Number) or not isinstance(found, str):
        raise Odd(f"{'.'.join(path)} is not a string.")
    return found


def part(value: object, *path: str) -> Object:
    """The object at a path; an empty one where a key is missing or null.

    :raises Odd: where there is something else.
    """
    found = _at(value, path)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise Odd(f"{'.'.join(path)} is not an object.")
    return found


def items(value: object, *path: str) -> list[object]:
    """The array at a path.

    :raises Odd: where there is none.
    """
    found = _at(value, path)
    if not isinstance(found, list):
        raise Odd(f"{'.'.join(path)} is not an array.")
    return found


def objects(value: object, *path: str) -> Iterator[Object]:
    """The elements of an array of objects.

    :raises Odd: as for ``items``, and for an element that is no object.
    """
    for item in items(value, *path):
        if not isinstance(item, Mapping):
            raise Odd(f"{'.'.join(path)} holds something else than objects.")
        yield item


def quoted(found: str) -> str:
    """A stranger's word inside a sentence of ours."""
    return repr(printable(found, longest=80))


def _at(value: object, path: tuple[str, ...]) -> object:
    for at, key in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise Odd(f"{'.'.join(path[:at]) or 'The body'} is not an object.")
        value = value.get(key)
    return value
