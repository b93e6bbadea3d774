"""Lines of account files that programs disagree about, or take for something nobody wrote.

::

    # our users                    an account with uid 0, called "# our users", to every runtime
    app:x: 1000:1000::/:/bin/sh    uid 0: a blank makes it no number
    1001:x:0:                      a group that runc 1.1 gives to every process whose gid is 1001

Sources: moby/sys ``user`` (``parseLine``), runc 1.1 ``GetAdditionalGroups``, Buildah ``pkg/chrootuser``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from scanner.domain.accounts import GROUP_LINE_BYTES, PASSWD_LINE_BYTES, decode, trim_space
from scanner.domain.user_spec import MAX_ID, NotANumber, OutOfRange, parse_int64, to_uint32

MOST_LINES = 20_000
"""Lines that are compared; more accounts than any image needs."""

_KEPT = 20
_ORDINARY_BYTES = 8 * 1024
_PASSWD_FIELDS = 7
_GROUP_FIELDS = 4
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class OddLine:
    """One line and what is odd about it.

    :param line: 1-based.
    :param text: the line, decoded for show; cut where it is very long.
    :param removable: whether it is no account at all and can simply go.
    """

    line: int
    text: str
    problem: str
    removable: bool = False


@dataclass(frozen=True, slots=True)
class OddLines:
    """What is odd in one file.

    :param shown: the first ones in file order.
    :param complete: ``False`` where the file has more lines than were looked at.
    """

    shown: tuple[OddLine, ...] = ()
    total: int = 0
    complete: bool = True


_NONE = OddLines()
# Ordinary files, checked in one pass: the whole fleet is judged again when a policy changes.
_ID = rb"(0|[1-9][0-9]{0,8})"
_PASSWD_LINE = re.compile(rb"^([A-Za-z_][^:\n]*+):[^:\n]*+:" + _ID + rb":[0-9]{1,9}(?::[^:\n]*+){3}$", re.MULTILINE)
_GROUP_LINE = re.compile(rb"^([A-Za-z_][^:\n]*+):[^:\n]*+:" + _ID + rb":[^:\n]*+$", re.MULTILINE)


def odd_passwd_lines(data: bytes) -> OddLines:
    """Odd lines of a passwd file."""
    return _odd_passwd_remembered(data) if len(data) <= _ORDINARY_BYTES else _odd_passwd(data)


def odd_group_lines(data: bytes) -> OddLines:
    """Odd lines of a group file."""
    return _odd_group_remembered(data) if len(data) <= _ORDINARY_BYTES else _odd_group(data)


@lru_cache(maxsize=256)
def _odd_passwd_remembered(data: bytes) -> OddLines:
    return _odd_passwd(data)


@lru_cache(maxsize=256)
def _odd_group_remembered(data: bytes) -> OddLines:
    return _odd_group(data)


def _odd_passwd(data: bytes) -> OddLines:
    found = _PASSWD_LINE.findall(data) if len(data) <= _ORDINARY_BYTES else []
    if found and len(found) == _count(data) == len({name for name, _ in found}) == len({uid for _, uid in found}):
        return _NONE
    return _gather(data, _PasswdLines())


def _odd_group(data: bytes) -> OddLines:
    found = _GROUP_LINE.findall(data) if len(data) <= _ORDINARY_BYTES else []
    if found and len(found) == _count(data) == len({name for name, _ in found}):
        return _NONE
    return _gather(data, _GroupLines())


def _count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n"))


def _gather(data: bytes, problem_of: Callable[[bytes], tuple[str, bool] | None]) -> OddLines:
    shown: list[OddLine] = []
    total = 0
    for number, raw in enumerate(io.BytesIO(data), start=1):
        if number > MOST_LINES:
            return OddLines(tuple(shown), total, complete=False)
        line = trim_space(raw)
        problem = problem_of(line) if line else None
        if problem is None:
            continue
        total += 1
        if len(shown) < _KEPT:
            shown.append(OddLine(number, decode(line[:1_000]), *problem))
    return OddLines(tuple(shown), total)


class _PasswdLines:
    """Says what is odd about one line after the other."""

    def __init__(self) -> None:
        self._names: set[bytes] = set()
        self._uids: set[int] = set()

    def __call__(self, line: bytes) -> tuple[str, bool] | None:
        if len(line) >= PASSWD_LINE_BYTES:
            return "longer than the runtimes read: no name can be looked up from here on", False
        fields = line.split(b":")
        # A comment may well repeat; as an account it is counted once, below.
        if line.startswith(b"#"):
            return f"no comment here: an account with uid {_shown_id(fields, 2)}", True
        return _of_any_file(fields, _PASSWD_FIELDS) or self._of_ids(fields) or self._repeated(fields)

    def _of_ids(self, fields: list[bytes]) -> tuple[str, bool] | None:
        problem = _id_problem("uid", fields[2]) or _id_problem("gid", fields[3])
        return (problem, False) if problem else None

    def _repeated(self, fields: list[bytes]) -> tuple[str, bool] | None:
        name, uid = fields[0], parse_int64(fields[2])
        # Another account with uid 0 is more than an odd line: NR201.
        twice = name in self._names or (uid != 0 and uid in self._uids)
        what = "name" if name in self._names else "uid"
        self._names.add(name)
        self._uids.add(uid)
        return (f"the {what} is taken by a line above, which is the one that counts", False) if twice else None


class _GroupLines:
    """The same for ``/etc/group``."""

    def __init__(self) -> None:
        self._names: set[bytes] = set()

    def __call__(self, line: bytes) -> tuple[str, bool] | None:
        if line.startswith(b"#"):
            return None
        if len(line) >= GROUP_LINE_BYTES:
            return "longer than current runtimes read: no group can be looked up from here on", False
        fields = line.split(b":", _GROUP_FIELDS)
        return _of_any_file(fields, _GROUP_FIELDS) or self._of_group(fields)

    def _of_group(self, fields: list[bytes]) -> tuple[str, bool] | None:
        problem = _id_problem("gid", fields[2])
        if problem:
            return problem, False
        if fields[0] in self._names:
            return "the name is taken by a line above, which is the one that counts", False
        self._names.add(fields[0])
        return None


def _of_any_file(fields: list[bytes], wanted: int) -> tuple[str, bool] | None:
    name = fields[0]
    if name.startswith((b"+", b"-")):
        return f"a line for NIS: to the runtimes an entry with id {_shown_id(fields, 2)}", True
    if name.startswith(_BYTE_ORDER_MARK):
        return "a byte order mark is part of its name, so the name is not found", False
    if len(fields) != wanted:
        few = f"{min(len(fields), wanted + 1)} fields instead of {wanted}"
        return f"{'more than ' if len(fields) > wanted + 1 else ''}{few}: what is missing is 0 or empty", False
    if _is_number(name):
        return _named_by_number(fields, wanted), False
    return None


def _named_by_number(fields: list[bytes], wanted: int) -> str:
    if wanted == _GROUP_FIELDS:
        gid, number = _shown_id(fields, 2), decode(fields[0][:20])
        return f"its name is a number: runc 1.1 puts every process with gid {number} into group {gid}"
    return "its name is a number: USER never finds it by that, and old containerd did"


def _is_number(text: bytes) -> bool:
    try:
        parse_int64(text)
    except NotANumber:
        return False
    except OutOfRange:
        return True
    return True


def _shown_id(fields: list[bytes], at: int) -> int:
    try:
        return to_uint32(parse_int64(fields[at])) if at < len(fields) else 0
    except NotANumber:
        return 0
    except OutOfRange as problem:
        return to_uint32(problem.saturated)


_PLAIN_NUMBER = re.compile(rb"[0-9]+")


def _id_problem(what: str, field: bytes) -> str | None:
    shown = decode(field[:40])
    number = _shown_id([field], 0)
    if not _PLAIN_NUMBER.fullmatch(field):
        return f"its {what} {shown!r} is no plain number: runtimes take it as {number}"
    return f"its {what} {shown} is above {MAX_ID}: runtimes make it {number}" if _is_over(field) else None


def _is_over(field: bytes) -> bool:
    try:
        return parse_int64(field) > MAX_ID
    except OutOfRange:
        return True
