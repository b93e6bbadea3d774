"""NR204: lines of the account files that mean one thing to people and another to programs."""

from __future__ import annotations

from scanner.domain.citations import CVE_2024_40635, CVE_2026_46680, DKL_LI_0002, GO_ACCOUNT_PARSER, PASSWD_5
from scanner.domain.evidence import layer_at, layer_number, made_by
from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.file_fixes import BEFORE_USER, in_build_stage, remedy
from scanner.domain.fixes import base_family
from scanner.domain.odd_lines import MOST_LINES, OddLine, OddLines, odd_group_lines, odd_passwd_lines
from scanner.domain.printable import printable, quoted
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity

_SHOWN = 20
_UNREADABLE = (ReadState.LINK_LOOP, ReadState.TOO_LARGE)


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Every line of ``/etc/passwd`` and ``/etc/group`` as the runtimes see the files."""
    passwd, group = facts.passwd.as_read(), facts.group.as_read()
    in_passwd = odd_passwd_lines(passwd) if passwd else OddLines()
    in_group = odd_group_lines(group) if group else OddLines()
    if in_passwd.total or in_group.total:
        return _violated(facts, in_passwd, in_group)
    for file in (facts.passwd, facts.group):
        if file.state in _UNREADABLE:
            return unknown(f"`{file.path}` cannot be read as the runtimes would.")
    if not (in_passwd.complete and in_group.complete):
        return unknown(f"An account file has more than {MOST_LINES:,} lines, too many to compare.")
    return ok()


def _violated(facts: ImageFacts, in_passwd: OddLines, in_group: OddLines) -> Finding:
    places = [(facts.passwd, line) for line in in_passwd.shown] + [(facts.group, line) for line in in_group.shown]
    total = in_passwd.total + in_group.total
    more = f" And {total - 2:,} more." if total > 2 else ""
    said = " ".join(_sentence(file, line) for file, line in places[:2]) + more
    evidence = tuple(_evidence(facts, file, line) for file, line in places[:_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, places))


def _sentence(file: AccountFile, line: OddLine) -> str:
    # Quoted: the problem may repeat a field, which is whatever somebody wrote there.
    return f"Line {line.line} of `{file.path}` ({quoted(line.text[:60])}): {printable(line.problem, longest=200)}."


def _evidence(facts: ImageFacts, file: AccountFile, line: OddLine) -> Evidence:
    layer = layer_at(facts, file.layer)
    return {
        "layer": None if layer is None else layer.digest,
        "layer_number": layer_number(layer),
        "created_by": made_by(layer),
        "path": file.path,
        "line": line.line,
        "text": printable(line.text, longest=300),
        "problem": printable(line.problem, longest=200),
    }


def _fix(facts: ImageFacts, said: str, places: list[tuple[AccountFile, OddLine]]) -> str:
    lines = []
    for file in (facts.passwd, facts.group):
        gone = [line.line for where, line in places if where is file and line.removable]
        if gone and base_family(facts).has_shell:
            lines.append(f"RUN sed -i '{''.join(f'{number}d;' for number in gone)}' {file.path}")
    elsewhere = in_build_stage(facts, "correct the files where they are copied from.")
    opening = (
        f"{said} Lines that are no accounts can go; correct the others where they are written, "
        if lines
        else (f"{said} Correct the lines where they are written, ")
    )
    prose = f"{opening}best with `useradd` and `groupadd` or `adduser`, which write no such line.{elsewhere}"
    return remedy(prose, [BEFORE_USER, *lines] if lines else [])


RULE = Rule(
    id="NR204",
    slug="account-files-malformed",
    title="Account files that programs read differently",
    why="What a person or a checker reads there is not what the runtime makes of it, and the difference can be uid 0.",
    severity=Severity.MEDIUM,
    references=(CVE_2024_40635, CVE_2026_46680, GO_ACCOUNT_PARSER, PASSWD_5, DKL_LI_0002),
    violating=Example(
        "A blank before the uid makes it 0",
        'FROM debian:12\nRUN echo "app:x: 1001:1001::/home/app:/bin/sh" >> /etc/passwd\nUSER 10001:10001',
    ),
    fine=Example(
        "A line as useradd writes it",
        'FROM debian:12\nRUN echo "app:x:1001:1001::/home/app:/bin/sh" >> /etc/passwd\nUSER 10001:10001',
    ),
    check=check,
    decided=(
        "In `/etc/passwd`: names that are numbers, ids that are not plain numbers or lie above 2147483647, names and "
        "uids that are there twice, comments and NIS lines (both are accounts with uid 0), fewer or more than seven "
        "fields, a byte order mark, and lines of 64 KiB. In `/etc/group`: the same, but for comments, which runtimes "
        "skip; a group whose *name* is a number is a hidden way into another group under runc 1.1. A second account "
        "with uid 0 is NR201."
    ),
)
