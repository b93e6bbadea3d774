"""NR205: somebody can log in, or ``su``, without a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scanner.domain.citations import CVE_2019_5021, DKL_LI_0001, NIST_800_190, SHADOW_5
from scanner.domain.evidence import layer_at, layer_number, made_by
from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.file_evidence import named
from scanner.domain.file_fixes import BEFORE_USER, in_build_stage, remedy
from scanner.domain.fixes import base_family, safe_name
from scanner.domain.printable import printable
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity

_SHOWN = 20
_MOST_LINES = 20_000
# A name, then nothing where the password belongs. Comment and NIS lines are no accounts to the C library.
_NO_PASSWORD = re.compile(rb"^[^:\n#+-][^:\n]*+::", re.MULTILINE)
_LINE = re.compile(rb"^([^:\n#+-][^:\n]*+):([^:\n]*+):([^\n]*+)$", re.MULTILINE)
_IN_SHADOW = b"x"
_NO_SHELLS = (b"nologin", b"false", b"true", b"null", b"sync", b"shutdown", b"halt")
_DEFAULT_SHELL = b"/bin/sh"


@dataclass(frozen=True, slots=True)
class _Open:
    """An account without a password."""

    name: str
    line: int
    file: AccountFile


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """An empty second field in ``/etc/passwd``, or ``x`` there and an empty one in ``/etc/shadow``."""
    for file in (facts.passwd, facts.shadow):
        if file.state in (ReadState.LINK_LOOP, ReadState.TOO_LARGE):
            return unknown(f"`{file.path}` cannot be read.")
    passwd, shadow = facts.passwd.as_read() or b"", facts.shadow.as_read() or b""
    if not (_NO_PASSWORD.search(passwd) or _NO_PASSWORD.search(shadow)):
        return ok()
    if passwd.count(b"\n") > _MOST_LINES or shadow.count(b"\n") > _MOST_LINES:
        return unknown(f"An account file has more than {_MOST_LINES:,} lines, too many to compare.")
    found = list(_open_accounts(facts, passwd, shadow))
    if not found:
        return ok("An account has no password, and no shell to use it with.")
    names = named([each.name for each in found], len(found))
    said = f"{names} in `/etc/passwd` {'has' if len(found) == 1 else 'have'} a shell and no password."
    evidence = tuple(_evidence(facts, each) for each in found[:_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, found))


def _open_accounts(facts: ImageFacts, passwd: bytes, shadow: bytes) -> Iterator[_Open]:
    in_shadow: dict[bytes, tuple[bytes, int]] = {}
    for name, password, _, number in _lines(shadow):
        in_shadow.setdefault(name, (password, number))
    seen = set()
    for name, password, rest, number in _lines(passwd):
        if name in seen:
            continue
        seen.add(name)
        if not _has_shell(rest):
            continue
        if not password:
            yield _Open(name.decode("utf-8", "surrogateescape"), number, facts.passwd)
        elif password == _IN_SHADOW and in_shadow.get(name, (b"*", 0))[0] == b"":
            yield _Open(name.decode("utf-8", "surrogateescape"), in_shadow[name][1], facts.shadow)


def _lines(content: bytes) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    """Name, password, what follows, and line number."""
    number, counted = 1, 0
    for found in _LINE.finditer(content):
        number, counted = number + content.count(b"\n", counted, found.start()), found.start()
        yield found[1], found[2], found[3], number


def _has_shell(rest: bytes) -> bool:
    fields = rest.split(b":", 4)
    shell = (fields[4] if len(fields) > 4 else b"").strip() or _DEFAULT_SHELL
    return shell.rpartition(b"/")[2] not in _NO_SHELLS


def _evidence(facts: ImageFacts, found: _Open) -> Evidence:
    layer = layer_at(facts, found.file.layer)
    # Never the line itself: what is behind the empty field is nobody's business here.
    return {
        "layer": None if layer is None else layer.digest,
        "layer_number": layer_number(layer),
        "created_by": made_by(layer),
        "path": found.file.path,
        "line": found.line,
        "text": f"{printable(found.name, longest=100)}::…",
    }


def _fix(facts: ImageFacts, said: str, found: list[_Open]) -> str:
    names = [each.name for each in found[:_SHOWN] if safe_name(each.name) == each.name]
    lines = [f"RUN passwd -l {name}" for name in names] if base_family(facts).has_shell else []
    elsewhere = in_build_stage(facts, "write `!` into the field where the file is copied from.")
    prose = f"{said} Lock it: nobody needs a password in a container, and `!` in its place matches none.{elsewhere}"
    return remedy(prose, [BEFORE_USER, *lines] if lines else [])


RULE = Rule(
    id="NR205",
    slug="password-empty",
    title="An account without a password",
    why="Any process in the container becomes that account with one `su`, and where it is root, root.",
    severity=Severity.HIGH,
    references=(CVE_2019_5021, SHADOW_5, NIST_800_190, DKL_LI_0001),
    violating=Example("The password is deleted, not locked", "FROM debian:12\nRUN passwd -d root\nUSER 10001:10001"),
    fine=Example("The password is locked", "FROM debian:12\nRUN passwd -l root\nUSER 10001:10001"),
    check=check,
    decided=(
        "An account counts when its line in `/etc/passwd` has nothing between the first two colons, or an `x` there "
        "and nothing in `/etc/shadow`, and when its shell is one: no shell given is `/bin/sh`; `nologin`, `false` and "
        "the like are none. Of several lines with one name the first counts. Password hashes are overwritten before "
        "anything is stored, so none is ever kept or shown."
    ),
)
