"""``/etc/passwd`` and ``/etc/group`` as moby/sys ``user`` reads them: leniently, first match first.

::

    root:x:0:0:root:/root:/bin/sh      passwd: name, password, uid, gid, comment, home, shell
    app:x: 1000:1000::/home/app:       a blank before the number: not a number, so uid 0

A field that is missing or not a number is 0 or empty, never an error. Only a line that does not fit Go's scanner
stops a runtime. Names are compared as bytes; they are shown decoded with ``surrogateescape``, which loses nothing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from scanner.domain.user_spec import lenient_id

PASSWD_LINE_BYTES = 64 * 1024
"""A passwd line of this length or more stops every runtime: Go's ``bufio.MaxScanTokenSize``."""

GROUP_LINE_BYTES = 1024 * 1024
"""The same for group lines, since moby/sys ``user`` 0.4.1; before, group lines had no limit."""

TOKEN_TOO_LONG = "bufio.Scanner: token too long"


@dataclass(frozen=True, slots=True)
class PasswdEntry:
    """One line. ``uid`` and ``gid`` are as parsed (0 where the field is not a number), not yet 32 bits wide.

    :param line: 1-based line number in the file.
    :param text: the line's bytes, decoded for show with ``surrogateescape``.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """One line of ``/etc/group``."""

    name: str
    gid: int
    members: tuple[str, ...]
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class AccountBytes:
    """The account files as a runtime gets them; ``None`` is a missing file.

    :param passwd_fault: what the runtime says when it reads a file that is there but cannot be read; ``""`` else.
    :param passwd_mode: permission bits of the file and, in ``passwd_owner``, its uid: what CRI-O looks at.
    """

    passwd: bytes | None
    group: bytes | None
    passwd_fault: str = ""
    group_fault: str = ""
    passwd_mode: int = 0o644
    passwd_owner: int = 0


def decode(raw: bytes) -> str:
    """Text for show and comparison; every byte sequence has its own text."""
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The inverse of ``decode``; a surrogate that stands for no byte becomes U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def long_line(data: bytes, limit: int) -> bool:
    """Whether a line has ``limit`` bytes or more, its newline not counted."""
    start = 0
    # From the start of a line to the last newline in reach: no line on the way can be too long.
    while len(data) - start >= limit:
        newline = data.rfind(b"\n", start, start + limit)
        if newline < 0:
            return True
        start = newline + 1
    return False


def passwd_entries(data: bytes) -> Iterator[PasswdEntry]:
    """Every line of a passwd file, comment lines too, because the runtimes parse those as accounts."""
    return (_passwd_entry(number, line) for number, line in _lines(data))


def group_entries(data: bytes) -> Iterator[GroupEntry]:
    """Every line of a group file except blank lines and ``#`` comments."""
    return (_group_entry(number, line) for number, line in _lines(data) if not line.startswith(b"#"))


def first_user_named(data: bytes, name: str) -> PasswdEntry | None:
    """The entry a name look-up finds."""
    wanted = encode(name)
    found = (place for place in _lines(data, wanted) if _field(place[1], 0) == wanted)
    return next((_passwd_entry(*place) for place in found), None)


def first_user_with_uid(data: bytes, uid: int) -> PasswdEntry | None:
    """The entry a uid look-up finds; compared before the uid is cut to 32 bits."""
    found = (place for place in _lines(data, _digits(uid)) if _is_id(_field(place[1], 2), uid))
    return next((_passwd_entry(*place) for place in found), None)


def first_group_named(data: bytes, name: str) -> GroupEntry | None:
    """The group a name look-up finds."""
    wanted = encode(name)
    found = (place for place in _group_lines(data, wanted) if _field(place[1], 0) == wanted)
    return next((_group_entry(*place) for place in found), None)


def first_group_with_gid(data: bytes, gid: int) -> GroupEntry | None:
    """The group a gid look-up finds; compared before the gid is cut to 32 bits."""
    found = (place for place in _group_lines(data, _digits(gid)) if _is_id(_field(place[1], 2), gid))
    return next((_group_entry(*place) for place in found), None)


def groups_of(data: bytes, member: str) -> Iterator[GroupEntry]:
    """Every group whose member list holds the name exactly, duplicates kept, in file order."""
    wanted = encode(member)
    for number, line in _group_lines(data, wanted):
        members = _field(line, 3)
        if members and wanted in members.split(b","):
            yield _group_entry(number, line)


def _passwd_entry(number: int, line: bytes) -> PasswdEntry:
    fields = line.split(b":", 7)
    fields += [b""] * (7 - len(fields))
    return PasswdEntry(
        name=decode(fields[0]),
        uid=lenient_id(fields[2]),
        gid=lenient_id(fields[3]),
        home=decode(fields[5]),
        shell=decode(fields[6]),
        line=number,
        text=decode(line),
    )


def _group_entry(number: int, line: bytes) -> GroupEntry:
    fields = line.split(b":", 4)
    fields += [b""] * (4 - len(fields))
    return GroupEntry(
        name=decode(fields[0]),
        gid=lenient_id(fields[2]),
        members=tuple(decode(member) for member in fields[3].split(b",")) if fields[3] else (),
        line=number,
        text=decode(line),
    )


def _field(line: bytes, position: int) -> bytes:
    fields = line.split(b":", position + 1)
    return fields[position] if position < len(fields) else b""


def _is_id(field: bytes, number: int) -> bool:
    # The commonest field by far, plain digits that are not zero, without the cost of the whole grammar.
    if number == 0 and field.isdigit() and len(field) < _SURELY_64_BITS and field.strip(b"0"):
        return False
    return lenient_id(field) == number


_SURELY_64_BITS = 19


def _digits(number: int) -> bytes:
    # 0 is also what every field that is no number means, and 2**63-1 what every too large one means.
    return str(number).encode() if 0 < number < 2**63 - 1 else b""


def _group_lines(data: bytes, containing: bytes) -> Iterator[tuple[int, bytes]]:
    return (place for place in _lines(data, containing) if not place[1].startswith(b"#"))


def _lines(data: bytes, containing: bytes = b"") -> Iterator[tuple[int, bytes]]:
    """Number and trimmed bytes of each line that is not blank, one at a time: a list of a million would cost 60 MB."""
    for number, raw in _holding(data, containing) if containing else enumerate(io.BytesIO(data), start=1):
        line = trim_space(raw) if raw != b"\n" else b""
        if line:
            yield number, line


def _holding(data: bytes, wanted: bytes) -> Iterator[tuple[int, bytes]]:
    number, counted = 1, 0
    found = data.find(wanted)
    while found >= 0:
        start = data.rfind(b"\n", 0, found) + 1
        end = data.find(b"\n", found)
        number, counted = number + data.count(b"\n", counted, start), start
        yield number, data[start : end if end >= 0 else len(data)]
        # Behind the end of the line: a hostile name begins with a line feed itself, and would be found here forever.
        found = data.find(wanted, end + 1) if end >= 0 else -1


_ASCII_SPACE = b"\t\n\v\f\r "
_WIDE_SPACES = tuple(
    chr(code).encode() for code in (0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
)
_LEADING_SPACE = re.compile(b"(?:[\t-\r ]|%b)*" % b"|".join(_WIDE_SPACES))


def trim_space(line: bytes) -> bytes:
    """Trim as Go's ``bytes.TrimSpace``, which also takes Unicode blanks such as U+00A0 where they are valid UTF-8."""
    line = line.strip(_ASCII_SPACE)
    if not line or (line[0] < 0x80 and line[-1] < 0x80):
        return line
    start = _leading_space(line)
    end = len(line)
    while start < end and (step := _space_before(line, start, end)):
        end -= step
    return line[start:end]


def _leading_space(line: bytes) -> int:
    found = _LEADING_SPACE.match(line)
    return found.end() if found else 0


def _space_before(line: bytes, start: int, end: int) -> int:
    if line[end - 1] in _ASCII_SPACE:
        return 1
    if not line.endswith(_WIDE_SPACES, start, end):
        return 0
    return 2 if line[end - 2] == _TWO_BYTE_LEAD else 3


_TWO_BYTE_LEAD = 0xC2
