"""What worker and child say to each other: lengths, bytes and JSON; never anything that runs when it is read.

::

    order   length:u32le JSON                    then the layer's bytes; then the next order, or the end
    answer  kind:1 length:u64le content          "I" a layer index, "P" a problem as JSON, "F" an error of ours as text
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from struct import Struct
from typing import Any

from scanner.domain.limits import Limits
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.domain.reference import Digest
from scanner.filesystem.layer_codec import UnreadableIndex
from scanner.filesystem.layer_index import LayerIndex

_ORDER = Struct("<I")
_ANSWER = Struct("<cQ")
_LONGEST_PROBLEM = 64 * 1024
_LONGEST_TEXT = 4_000
_CODE = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)

INDEX, PROBLEM, FAULT = b"I", b"P", b"F"
OUT_OF_MEMORY = 71
"""Exit status of a child that had no memory left to say so."""


class Nonsense(ValueError):
    """The answer is none that a sound child gives."""


class ChildFault(RuntimeError):
    """An error of ours in the child, with its traceback."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which layer to index, as ``index_layer`` takes it."""

    digest: Digest
    size: int
    diff_id: Digest | None
    limits: Limits
    keep: Collection[bytes]

    def to_bytes(self) -> bytes:
        """For the child."""
        about = {
            "digest": self.digest,
            "size": self.size,
            "diff_id": self.diff_id,
            # Not asdict, which copies deeply: there is an order for each layer of a fleet.
            "limits": {limit.name: getattr(self.limits, limit.name) for limit in fields(self.limits)},
            "keep": sorted(path.hex() for path in self.keep),
        }
        body = json.dumps(about, separators=(",", ":")).encode()
        return _ORDER.pack(len(body)) + body

    @classmethod
    def read(cls, take: Callable[[int], bytes]) -> Order | None:
        """What ``to_bytes`` made; ``take`` gives the next bytes. ``None`` where there are no more."""
        head = take(_ORDER.size)
        if not head:
            return None
        (length,) = _ORDER.unpack(head)
        about = json.loads(take(length))
        return cls(
            digest=Digest(about["digest"]),
            size=about["size"],
            diff_id=about["diff_id"] and Digest(about["diff_id"]),
            limits=Limits(**about["limits"]),
            keep=frozenset(map(bytes.fromhex, about["keep"])),
        )


def problem_answer(problem: ImageProblem) -> bytes:
    """A problem as the child says it."""
    allowed = problem.allowed if isinstance(problem, LimitExceeded) else None
    about = {"code": problem.code, "message": problem.message, "remedy": problem.remedy, "allowed": allowed}
    return answer(PROBLEM, json.dumps(about).encode())


def answer(kind: bytes, content: bytes) -> bytes:
    """Bytes for the worker."""
    return _ANSWER.pack(kind, len(content)) + content


def is_whole(said: bytes | bytearray) -> bool:
    """Whether an answer has come to its end."""
    return len(said) >= _ANSWER.size and len(said) >= _ANSWER.size + _ANSWER.unpack_from(said)[1]


def read_answer(said: bytes | bytearray, order: Order) -> LayerIndex:
    """Read what came from a child, which may have been taken over by the layer.

    :raises ImageProblem: where the child says so.
    :raises ChildFault: for an error of ours.
    :raises Nonsense: for anything else.
    """
    if len(said) < _ANSWER.size:
        raise Nonsense("it gave no answer")
    kind, length = _ANSWER.unpack_from(said)
    content = bytes(memoryview(said)[_ANSWER.size :])
    if length != len(content):
        raise Nonsense("its answer is cut")
    if kind == INDEX:
        return _index(content, order)
    if kind == PROBLEM:
        raise _problem(content)
    if kind == FAULT:
        raise ChildFault(printable(content[-_LONGEST_TEXT:].decode(errors="replace"), keep_lines=True))
    raise Nonsense("its answer is of no known kind")


def _index(content: bytes, order: Order) -> LayerIndex:
    try:
        index = LayerIndex.from_bytes(content)
    except UnreadableIndex as error:
        raise Nonsense(str(error)) from error
    if (index.digest, index.size) != (order.digest, order.size) or order.diff_id not in (None, index.diff_id):
        raise Nonsense("it answers for another layer")
    return replace(index, packed=content)


def _problem(content: bytes) -> ImageProblem:
    try:
        about = json.loads(content) if len(content) <= _LONGEST_PROBLEM else None
    except (ValueError, RecursionError) as error:
        raise Nonsense("its problem is not JSON") from error
    if not isinstance(about, dict) or not _CODE.fullmatch(_text(about, "code")):
        raise Nonsense("its problem has no code")
    code, message, remedy = _text(about, "code"), _text(about, "message"), _text(about, "remedy")
    allowed = about.get("allowed")
    if isinstance(allowed, int | float) and 0 < allowed < 1 << 62:
        return LimitExceeded.restored(code, message, remedy=remedy, allowed=allowed)
    return ImageProblem(code, message, remedy=remedy)


def _text(about: dict[str, Any], key: str) -> str:
    value = about.get(key)
    return printable(value, longest=_LONGEST_TEXT) if isinstance(value, str) else ""
