"""NR202: between two layers an account became somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.domain.accounts import PASSWD_LINE_BYTES, PasswdEntry, long_line
from scanner.domain.citations import GO_ACCOUNT_PARSER, NIST_800_190, NSA_CISA, WHAT_USER
from scanner.domain.evidence import layer_at, layer_number, made_by, shown_line
from scanner.domain.facts import FileVersion, ImageFacts, ReadState
from scanner.domain.fixes import undo_remap
from scanner.domain.printable import printable, quoted
from scanner.domain.reading import accounts_of
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.user_spec import to_uint32
from scanner.domain.verdict import Evidence, Outcome, Severity

_SHOWN = 20
_MOST_LINES = 20_000
"""More accounts than any image needs; comparing takes memory for each."""


@dataclass(frozen=True, slots=True)
class _Change:
    before: PasswdEntry
    after: PasswdEntry
    before_layer: int
    after_layer: int

    @property
    def to_root(self) -> bool:
        return to_uint32(self.after.uid) == 0 != to_uint32(self.before.uid)


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Compare each layer's ``/etc/passwd`` with the one below it, account by account."""
    if facts.passwd.state in (ReadState.LINK_LOOP, ReadState.TOO_LARGE):
        return unknown("`/etc/passwd` cannot be read as the runtimes would.")
    versions = [version for version in facts.passwd.versions if version.content is not None]
    if any(long_line(version.content or b"", PASSWD_LINE_BYTES) for version in versions):
        return unknown("A layer's `/etc/passwd` has a line longer than the runtimes read.")
    if any((version.content or b"").count(b"\n") > _MOST_LINES for version in versions):
        return unknown(f"A layer's `/etc/passwd` has more than {_MOST_LINES} lines, too many to compare.")
    changes = list(_changes(versions))
    if not changes:
        return ok()
    changes.sort(key=lambda change: not change.to_root)
    said = " ".join(_sentence(change) for change in changes[:3])
    severity = Severity.CRITICAL if changes[0].to_root else None
    evidence = tuple(_evidence(facts, change) for change in changes[:_SHOWN])
    first = changes[0]
    advice = undo_remap(facts, said, layer_at(facts, first.after_layer), first.before)
    return Finding(Outcome.VIOLATED, said, evidence, advice, severity)


def _changes(versions: list[FileVersion]) -> Iterator[_Change]:
    known: dict[str, tuple[PasswdEntry, int]] = {}
    for version in versions:
        now = {entry.name: entry for entry in reversed(tuple(accounts_of(version.content)))}
        for name, entry in now.items():
            before, layer = known.get(name, (entry, version.layer))
            if _ids(before) != _ids(entry):
                yield _Change(before, entry, layer, version.layer)
            known[name] = (entry, version.layer)


def _ids(entry: PasswdEntry) -> tuple[int, int]:
    return to_uint32(entry.uid), to_uint32(entry.gid)


def _sentence(change: _Change) -> str:
    (uid, gid), (new_uid, new_gid) = _ids(change.before), _ids(change.after)
    return (
        f"{quoted(change.after.name)} was uid {uid} gid {gid} in layer {change.before_layer + 1} "
        f"and is uid {new_uid} gid {new_gid} since layer {change.after_layer + 1}."
    )


def _evidence(facts: ImageFacts, change: _Change) -> Evidence:
    before, after = layer_at(facts, change.before_layer), layer_at(facts, change.after_layer)
    return {
        "account": printable(change.after.name, longest=100),
        "path": facts.passwd.path,
        "layer": None if after is None else after.digest,
        "layer_number": layer_number(after),
        "line": change.after.line,
        "text": shown_line(change.after),
        "created_by": made_by(after),
        "before_layer": None if before is None else before.digest,
        "before_layer_number": layer_number(before),
        "before_line": change.before.line,
        "before_text": shown_line(change.before),
        "before_created_by": made_by(before),
    }


RULE = Rule(
    id="NR202",
    slug="account-remapped",
    title="An account changes its uid or gid between layers",
    why="What was checked under one uid runs under another; the change can hide in any script the build runs.",
    severity=Severity.HIGH,
    references=(WHAT_USER, NIST_800_190, GO_ACCOUNT_PARSER, NSA_CISA),
    violating=Example(
        "The line that makes 1001 into 0",
        "FROM debian:12\nRUN useradd --uid 1001 app\nRUN sed -i -e 's/1001/0/g' /etc/passwd\nUSER app",
    ),
    fine=Example("Made once, with its final ids", "FROM debian:12\nRUN useradd --uid 1001 app\nUSER 1001:1001"),
    check=check,
    decided=(
        "Every layer that writes `/etc/passwd` is compared with the last one before it that did. An account in both "
        "whose uid or gid differs, as the kernel would get them, is reported with both lines, both layers and both "
        "history entries. It is critical when the uid became 0."
    ),
)
