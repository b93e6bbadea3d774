"""JSON from strangers, bounded, and read as Go's ``encoding/json`` reads it into a struct.

::

    {"config": {"User": "1001", "user": "0"}}     Go: "0"    json.loads(...)["config"]["User"]: "1001"

Go matches keys without regard to case (and folds U+017F to ``s``, U+212A to ``k``), takes the last of several, merges
objects that come twice, and lets ``null`` leave a string or struct alone. A reader that does otherwise can be shown
another user than the one the runtime sees. So every such place is resolved as Go does **and** reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scanner.domain.ambiguity import Ambiguity
from scanner.domain.problems import ImageProblem, LimitExceeded

_STRINGS_AND_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_FOLDS = str.maketrans({"\u017f": "s", "\u212a": "k"})
_MOST_AMBIGUITIES = 100


class Number(str):
    """A number as it was written: turning digits of any length into an integer is left to who needs one."""

    __slots__ = ()


class Pairs(tuple[tuple[str, object], ...]):
    """An object with its keys in order, duplicates kept."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Document:
    """Where errors come from.

    :param subject: ``image config``, ``manifest`` …; begins the message.
    :param code: of the ``ImageProblem``s.
    :param limit: the name of the field of ``Limits`` that bounds the size.
    """

    subject: str
    code: str
    limit: str


@dataclass(frozen=True, slots=True)
class JsonBounds:
    """``size`` in bytes; ``depth`` of nested arrays and objects; ``values`` in the whole document."""

    size: int
    depth: int
    values: int


def read_json(body: bytes, bounds: JsonBounds, document: Document) -> object:
    """Parse to ``str``, ``Number``, ``bool``, ``None``, ``list`` and ``Pairs``.

    :raises LimitExceeded: for size, depth, or a number of values that would cost hundreds of megabytes.
    :raises ImageProblem: for what Go refuses too: trailing bytes, NaN, control characters in strings …
    """
    if len(body) > bounds.size:
        raise LimitExceeded(document.limit, bounds.size, len(body), subject=document.subject)
    # Go puts U+FFFD where bytes are not UTF-8, one for each byte; surrogateescape marks exactly those.
    text = body.decode("utf-8", "surrogateescape")
    if not text.isascii():
        text = _UNDECODABLE.sub("\ufffd", text)
    _check_depth(text, bounds.depth, document)
    if text.count(",") > bounds.values:
        raise LimitExceeded("json_values", bounds.values, f"about {text.count(',')}", subject=document.subject)
    try:
        return _DECODER.decode(text)
    except ValueError as problem:
        raise ImageProblem(document.code, f"{document.subject} is not JSON: {str(problem)[:200]}") from None


def _check_depth(text: str, limit: int, document: Document) -> None:
    if text.count("[") + text.count("{") <= limit:
        return
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        first = text[found.start()]
        if first in "[{":
            depth += 1
            if depth > limit:
                raise LimitExceeded("json_depth", limit, f"more than {limit} levels", subject=document.subject)
        elif first != '"':
            depth -= 1


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
)


class Reader:
    """Decodes values into known fields, gathering every place where readers differ."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._ambiguities: dict[tuple[str, str], Ambiguity] = {}

    @property
    def ambiguities(self) -> tuple[Ambiguity, ...]:
        """What was found so far, in order."""
        return tuple(self._ambiguities.values())

    def as_object(self, value: object, where: str) -> Pairs:
        """An object.

        :raises ImageProblem: for anything else.
        """
        if not isinstance(value, Pairs):
            raise self.wrong(where, "an object", value)
        return value

    def fields(self, value: object, where: str, known: Sequence[str]) -> Mapping[str, Field]:
        """The known fields of an object, by their proper names.

        :raises ImageProblem: where the value is not an object.
        """
        proper = {fold(name): name for name in known}
        found: dict[str, Field] = {}
        for key, item in self.as_object(value, where):
            name = proper.get(fold(key))
            if name is None:
                continue
            place = f"{where}/{escape(name)}"
            if name in found:
                self._note_twice(place, found[name].key, key)
            elif key != name:
                self._note("folding-key", place, f"the key is written {key!r}; only some readers take it for {name!r}")
            values = (*found[name].values, item) if name in found else (item,)
            found[name] = Field(self, place, key, values)
        return found

    def wrong(self, where: str, wanted: str, value: object) -> ImageProblem:
        """The problem of a value of another type than Go can decode."""
        kind = _KINDS.get(type(value), "something else")
        subject = self.document.subject
        return ImageProblem(self.document.code, f"{subject}: {where or '/'} is {kind}, not {wanted}")

    def note_map_key(self, where: str, key: str) -> None:
        """Note a key that a map holds twice: Go and others take the last."""
        self._note("duplicate-key", f"{where}/{escape(key)}", f"the key {key!r} stands here more than once", False)

    def _note_twice(self, place: str, first: str, second: str) -> None:
        if first == second:
            self._note("duplicate-key", place, f"the key {second!r} stands here more than once")
        else:
            self._note("folding-key", place, f"the keys {first!r} and {second!r} differ in case only; Go merges them")

    def _note(self, code: str, where: str, detail: str, decides: bool = True) -> None:
        if len(self._ambiguities) < _MOST_AMBIGUITIES:
            self._ambiguities.setdefault((code, where), Ambiguity(code, where, detail, decides=decides))


_KINDS: Mapping[type, str] = {
    Number: "a number",
    str: "a string",
    bool: "a boolean",
    type(None): "null",
    list: "an array",
    Pairs: "an object",
}


@dataclass(frozen=True, slots=True)
class Field:
    """All values a known field was given, in order; each accessor says what Go ends up with.

    :param key: the key as first written.
    """

    reader: Reader
    where: str
    key: str
    values: tuple[object, ...] = field(default=())

    @property
    def given(self) -> bool:
        """Whether there is any value besides null."""
        return any(value is not None for value in self.values)

    def text(self) -> str:
        """The last string; null leaves the one before.

        :raises ImageProblem: where any value is not a string.
        """
        found = ""
        for value in self.values:
            if value is not None:
                found = self._text(value, self.where)
        return found

    def integer(self) -> int | None:
        """The last integer of at most 18 digits.

        :raises ImageProblem: for another type, a fraction or an exponent.
        """
        found = None
        for value in self.values:
            if value is not None:
                if not isinstance(value, Number) or not _INTEGER.fullmatch(value):
                    raise self.reader.wrong(self.where, "an integer", value)
                found = int(value)
        return found

    def flag(self) -> bool:
        """The last boolean.

        :raises ImageProblem: for another type.
        """
        found = False
        for value in self.values:
            if value is not None:
                if not isinstance(value, bool):
                    raise self.reader.wrong(self.where, "a boolean", value)
                found = value
        return found

    def texts(self, *, or_one: bool = False) -> tuple[str, ...] | None:
        """The last array of strings; ``None`` where the last word was null.

        :param or_one: take a single string too, as Docker does for commands.
        :raises ImageProblem: for another type.
        """
        found: tuple[str, ...] | None = None
        for value in self.values:
            if value is None:
                found = None
            elif or_one and isinstance(value, str) and not isinstance(value, Number):
                found = (self._text(value, self.where),)
            else:
                found = self._texts(value, found or ())
        return found

    def mapping(self) -> dict[str, object]:
        """The keys and values of a map: no folding, the last wins, several maps are merged, null empties it.

        :raises ImageProblem: for another type.
        """
        found: dict[str, object] = {}
        for value in self.values:
            if value is None:
                found = {}
                continue
            seen: set[str] = set()
            for raw, item in self.reader.as_object(value, self.where):
                key = _whole(raw)
                if key in seen:
                    self.reader.note_map_key(self.where, key)
                seen.add(key)
                found[key] = item
        return found

    def text_mapping(self) -> dict[str, str]:
        """A map of strings; null is the empty string.

        :raises ImageProblem: for another type.
        """
        return {
            key: "" if value is None else self._text(value, f"{self.where}/{escape(key)}")
            for key, value in self.mapping().items()
        }

    def fields(self, known: Sequence[str]) -> Mapping[str, Field]:
        """The fields of an object; several objects are merged, null leaves them.

        :raises ImageProblem: for another type.
        """
        objects = [self.reader.as_object(value, self.where) for value in self.values if value is not None]
        merged = Pairs(pair for pairs in objects for pair in pairs)
        return self.reader.fields(merged, self.where, known)

    def items(self) -> list[Field]:
        """The elements of an array; of several arrays the last counts, merged into the elements of those before.

        :raises ImageProblem: for another type.
        """
        found: list[tuple[object, ...]] = []
        for value in self.values:
            if value is None:
                found = []
                continue
            if not isinstance(value, list):
                raise self.reader.wrong(self.where, "an array", value)
            found = [(*before, item) for before, item in zip(_padded(found, len(value)), value, strict=True)]
        return [Field(self.reader, f"{self.where}/{index}", self.key, values) for index, values in enumerate(found)]

    def _texts(self, value: object, before: tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self.reader.wrong(self.where, "an array", value)
        # null leaves what an earlier array put into the same place: Go reuses the elements.
        return tuple(
            self._text(item, f"{self.where}/{index}") if item is not None else (before[index : index + 1] or ("",))[0]
            for index, item in enumerate(value)
        )

    def _text(self, value: object, where: str) -> str:
        if not isinstance(value, str) or isinstance(value, Number):
            raise self.reader.wrong(where, "a string", value)
        return _whole(value)


def _padded(found: list[tuple[object, ...]], length: int) -> list[tuple[object, ...]]:
    return (found + [()] * length)[:length]


def _whole(text: str) -> str:
    # Half a surrogate pair, written as an escape, is U+FFFD in Go, and no text at all for a database.
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def fold(key: str) -> str:
    """The key as Go compares it with the ASCII name of a struct field."""
    return key.translate(_FOLDS).lower() if not key.isascii() else key.lower()


def escape(key: str) -> str:
    """The key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
