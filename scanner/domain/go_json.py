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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scanner.domain.ambiguity import Ambiguity
from scanner.domain.problems import ImageProblem, LimitExceeded

# A string that never ends reaches to the end of the text: begun anew at each quote, it would take quadratic time.
_STRINGS_AND_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_FOLDS = str.maketrans({"\u017f": "s", "\u212a": "k"})
_MOST_AMBIGUITIES = 100

T = TypeVar("T")


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
        first: dict[str, str] = {}
        values: dict[str, list[object]] = {}
        for key, item in self.as_object(value, where):
            name = proper.get(fold(key))
            if name is None:
                continue
            place = f"{where}/{escape(name)}"
            if name in first:
                self._note_twice(place, first[name], key)
            elif key != name:
                self._note("folding-key", place, f"the key is written {key!r}; only some readers take it for {name!r}")
            first.setdefault(name, key)
            values.setdefault(name, []).append(item)
        return {name: Field(self, f"{where}/{escape(name)}", found) for name, found in values.items()}

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
    """All values a known field was given, in order; each accessor says what Go ends up with."""

    reader: Reader
    where: str
    values: Sequence[object]

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

    def each_text(self) -> list[str | None]:
        """Every string, in order; null is ``None``.

        :raises ImageProblem: where any value is neither.
        """
        return [None if value is None else self._text(value, self.where) for value in self.values]

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

    def texts(self) -> tuple[str, ...] | None:
        """The last array of strings; ``None`` where the last word was null.

        :raises ImageProblem: for another type.
        """
        found = self.each(Field.text)
        return tuple(found) if self.values[-1] is not None else None

    def command(self) -> tuple[str, ...] | None:
        """The same, but a single string counts as an array of one, as Docker takes it.

        :raises ImageProblem: for another type.
        """
        one = [value for value in self.values if isinstance(value, str) and not isinstance(value, Number)]
        if not one:
            return self.texts()
        # Docker's type starts afresh at each value, so the last one counts alone; but each has to be of a right type.
        lists = [value for value in self.values if not any(value is text for text in one)]
        found = [Field(self.reader, self.where, [value]).texts() for value in lists]
        return (_whole(one[-1]),) if self.values[-1] is one[-1] else found[-1]

    def mapping(self, check: Callable[[object, str], object] = lambda value, where: value) -> dict[str, object]:
        """The keys and values of a map: no folding, the last wins, several maps are merged, null empties it.

        :param check: turns each value that is not null into what Go has of it, those that are lost later too.
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
                found[key] = None if item is None else check(item, f"{self.where}/{escape(key)}")
        return found

    def text_mapping(self) -> dict[str, str]:
        """A map of strings; null is the empty string.

        :raises ImageProblem: for another type.
        """
        return {key: "" if item is None else str(item) for key, item in self.mapping(self._text).items()}

    def fields(self, known: Sequence[str]) -> Mapping[str, Field]:
        """The fields of an object; several objects are merged, null leaves them.

        :raises ImageProblem: for another type.
        """
        objects = [self.reader.as_object(value, self.where) for value in self.values if value is not None]
        merged = Pairs(pair for pairs in objects for pair in pairs)
        return self.reader.fields(merged, self.where, known)

    def each(self, decode: Callable[[Field], T]) -> list[T]:
        """The elements of an array, decoded; of several arrays the last counts, merged into what was there before.

        :raises ImageProblem: for another type, and where ``decode`` does, also in an array that is lost.
        """
        found = self._elements()
        if len(self.values) > 1:
            self._decode_all(decode)
        return [decode(item) for item in found or ()]

    def _decode_all(self, decode: Callable[[Field], T]) -> None:
        for value in self.values:
            for index, item in enumerate(value if isinstance(value, list) else ()):
                decode(Field(self.reader, f"{self.where}/{index}", [item]))

    def _elements(self) -> list[Field] | None:
        # Go decodes a second array into the elements of the first, even into those a shorter one had cut off.
        memory: list[list[object]] = []
        length: int | None = None
        for value in self.values:
            if value is not None and not isinstance(value, list):
                raise self.reader.wrong(self.where, "an array", value)
            if not value:
                memory = []
            for index, item in enumerate(value or ()):
                if index == len(memory):
                    memory.append([])
                memory[index].append(item)
            length = None if value is None else len(value)
        if length is None:
            return None
        return [Field(self.reader, f"{self.where}/{index}", values) for index, values in enumerate(memory[:length])]

    def _text(self, value: object, where: str) -> str:
        if not isinstance(value, str) or isinstance(value, Number):
            raise self.reader.wrong(where, "a string", value)
        return _whole(value)


def _whole(text: str) -> str:
    # Half a surrogate pair, written as an escape, is U+FFFD in Go, and no text at all for a database.
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def fold(key: str) -> str:
    """The key as Go compares it with the ASCII name of a struct field."""
    return key.translate(_FOLDS).lower() if not key.isascii() else key.lower()


def escape(key: str) -> str:
    """The key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
