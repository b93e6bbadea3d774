"""NR106: an id that does not fit, which one runtime refuses and another makes into root."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from scanner.domain.accounts import GroupEntry, PasswdEntry, groups_of
from scanner.domain.citations import CVE_2024_40635, CVE_2026_46680, GO_ACCOUNT_PARSER
from scanner.domain.evidence import account_line, declared
from scanner.domain.facts import AccountFile, ImageFacts
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, Reading, read
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.runtime_versions import VersionNote, version_notes
from scanner.domain.user_spec import MAX_ID, to_uint32
from scanner.domain.verdict import Evidence, Outcome, Severity

_SHOWN = 20
_Given = tuple[AccountFile, PasswdEntry | GroupEntry, str, int]


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Numbers in USER first, then the ids its account and group lines give."""
    reading = read(facts)
    said = [
        f"{quoted(half.text)} in USER is not in the range 0-{MAX_ID}"
        for half in (reading.user, reading.group)
        if half.kind is Kind.OUT_OF_RANGE
    ]
    evidence: list[Evidence] = [declared(facts)] if said else []
    outside = (given for given in _given(facts, reading) if not 0 <= given[3] <= MAX_ID)
    for file, entry, field, number in islice(outside, _SHOWN):
        kernel = to_uint32(number)
        said.append(f"{quoted(entry.name)} has the {field} {number} in `{file.path}`, the kernel gets {kernel}")
        evidence.append(account_line(facts, file, entry))
    if said:
        notes = version_notes(facts)
        reason = f"{'; '.join(said)}.{_told(notes)}"
        evidence += [_note(note) for note in notes]
        return Finding(Outcome.VIOLATED, reason, tuple(evidence), run_as_account(facts, reason, someone_else(facts)))
    needs_file = reading.user.kind is not Kind.EMPTY and reading.passwd_problem
    return unknown(reading.why_not) if needs_file or reading.group_problem else ok()


def _given(facts: ImageFacts, reading: Reading) -> Iterator[_Given]:
    """Ids the account files give to this process: file, line, field, number."""
    if reading.entry is not None and reading.user.kind is Kind.NAME:
        yield facts.passwd, reading.entry, "uid", reading.entry.uid
    if reading.entry is not None and reading.group.kind is Kind.EMPTY:
        yield facts.passwd, reading.entry, "gid", reading.entry.gid
        for group in groups_of(facts.group.as_read() or b"", reading.entry.name):
            yield facts.group, group, "gid", group.gid
    if reading.group_entry is not None:
        yield facts.group, reading.group_entry, "gid", reading.group_entry.gid


def _told(notes: Sequence[VersionNote]) -> str:
    """Who runs it as root, and who else makes something of it."""
    root = [note.sentence for note in notes if note.is_root]
    rest = [note.sentence for note in notes if not note.is_root]
    parts = (f" Root: {'; '.join(root)}." if root else "", f" Also: {'; '.join(rest)}." if rest else "")
    return "".join(parts)


def _note(note: VersionNote) -> Evidence:
    return {"component": note.component, "versions": note.versions, "there": note.there, "since": note.fixed}


RULE = Rule(
    id="NR106",
    slug="user-out-of-range",
    title="An id outside 0 to 2147483647",
    why="Runtimes refuse such an id, cut it to 32 bits, or look it up as a name: in some versions the result is root.",
    severity=Severity.CRITICAL,
    references=(CVE_2024_40635, CVE_2026_46680, GO_ACCOUNT_PARSER),
    violating=Example("One more than 32 bits hold", "FROM debian:12\nUSER 4294967296\nCMD server"),
    fine=Example("An ordinary number", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "A half of USER that is an integer must be in 0 … 2147483647; current Docker, containerd and kubelet refuse "
        "anything else. containerd before 1.6.38, 1.7.27 and 2.0.4 cut it to 32 bits, so that 4294967296 was root; "
        "later ones, before 1.7.32, 2.0.9, 2.2.4 and 2.3.1, took it for a name, which `/etc/passwd` can make root, and "
        "moby/sys user 0.4.0 does so beyond 64 bits. The finding names the versions that matter for this image. Ids "
        "that a name gets from `/etc/passwd` or `/etc/group` are cut to 32 bits everywhere: 4294967296 becomes 0, and "
        "-1 becomes a uid the kernel refuses."
    ),
)
