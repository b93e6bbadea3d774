"""NR502: the build opened whole trees to everybody."""

from __future__ import annotations

import re

from scanner.domain.build_commands import Words, commands_naming, step_evidence
from scanner.domain.citations import CHMOD_1, NIST_800_190, OPENSHIFT_IMAGES, RANDOM_IDS
from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import remedy, run_each
from scanner.domain.fixes import safe_path
from scanner.domain.printable import quoted
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Outcome, Severity

_SHOWN = 20
_OCTAL = re.compile(r"[0-7]{1,5}")
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=][rwxXstugo]*)+)")
_ACTION = re.compile(r"([-+=])([rwxXstugo]*)")
# Most builds have a chmod and few a recursive one; only those are read as a shell would.
_WORTH_READING = re.compile(r"-[A-Za-z]*R|--recursive|-exec")
_RECURSIVE = re.compile(r"-[A-Za-z]*R|--recursive\Z")
_OTHER_WRITE = 0o002
_STICKY = 0o1000
_TEMPORARY = frozenset(("/tmp", "/var/tmp", "/dev/shm"))  # noqa: S108  # paths of the image


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """``chmod`` over a tree that lets others write."""
    if not facts.config.history:
        return not_applicable("The image has no history.")
    if not any("chmod" in step.created_by and _WORTH_READING.search(step.created_by) for step in facts.config.history):
        return ok()
    run, complete = commands_naming(facts, "chmod")
    found = [(step, words) for step, words in run if _opens_a_tree(words)]
    if not found:
        return ok() if complete else unknown("History is too long to be read.")
    more = f" and {len(found) - 1:,} more let" if len(found) > 1 else " lets"
    said = f"{quoted(' '.join(found[0][1]))}{more} everybody write whole folders."
    evidence = tuple(step_evidence(facts, step, " ".join(words)) for step, words in found[:_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, [words for _, words in found]))


def _opens_a_tree(words: Words) -> bool:
    # ``find … -exec chmod`` walks the tree itself.
    if words[0] == "find -exec":
        return len(words) > 1 and words[1].rpartition("/")[2] == "chmod" and _lets_others_write(words[2:])
    if words[0] != "chmod":
        return False
    return any(_RECURSIVE.match(word) for word in words[1:]) and _lets_others_write(words[1:])


def _lets_others_write(arguments: Words) -> bool:
    mode = _mode(arguments)
    if _OCTAL.fullmatch(mode):
        return bool(int(mode, 8) & _OTHER_WRITE)
    return any(_clause_lets(clause) for clause in mode[:200].split(","))


def _mode(arguments: Words) -> str:
    return next((word for word in arguments if not word.startswith("-") or _CLAUSE.fullmatch(word)), "")


def _sticky(arguments: Words) -> bool:
    mode = _mode(arguments)
    if _OCTAL.fullmatch(mode):
        return bool(int(mode, 8) & _STICKY)
    clauses = filter(None, map(_CLAUSE.fullmatch, mode[:200].split(",")))
    return any(sign != "-" and "t" in what for clause in clauses for sign, what in _ACTION.findall(clause[2]))


def _clause_lets(clause: str) -> bool:
    found = _CLAUSE.fullmatch(clause)
    # Without a letter before it, ``+w`` leaves out what the umask takes, and that is writing for others.
    if found is None or not set(found[1]) & set("oa"):
        return False
    return any(sign != "-" and set(what) & set("wu") for sign, what in _ACTION.findall(found[2]))


def _fix(facts: ImageFacts, said: str, commands: list[Words]) -> str:
    paths, shared = _own_and_shared(commands)
    if shared:
        named = ", ".join(quoted(path) for path in shared[:_SHOWN])
        said = (
            f"{said} {named}: what everybody shares needs the sticky bit and no `-R`. `chmod 1777` for the folder "
            "alone does, and what is in it keeps its own mode."
        )
        if not paths:
            return remedy(said, ())
    lines = run_each(facts, paths, "chgrp -R 0 {0} && chmod -R g=u,o-w {0}")
    prose = (
        f"{said} Give the folders to the user it runs as with `chown`, or to group 0, which every process on OpenShift "
        "is in, and only where it has to write."
    )
    return remedy(prose, lines)


def _own_and_shared(commands: list[Words]) -> tuple[list[str], list[str]]:
    """Paths that can be narrowed, and those that are meant for everybody: temporary folders, and sticky modes."""
    named = [
        (_plain(word), _sticky(words[1:]))
        for words in commands
        if words[0] == "chmod"
        for word in words[1:]
        if word.startswith("/")
    ]
    shared = dict.fromkeys(path for path, sticky in named if sticky or path in _TEMPORARY)
    own = dict.fromkeys(path for path, _ in named if path not in shared and safe_path(path))
    return list(own), list(shared)


def _plain(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


RULE = Rule(
    id="NR502",
    slug="recursive-chmod",
    title="Opens whole folders to everybody",
    why="It makes an arbitrary uid work by letting every process change every file, programs included.",
    severity=Severity.INFO,
    references=(RANDOM_IDS, OPENSHIFT_IMAGES, NIST_800_190, CHMOD_1),
    violating=Example("The shortcut", "FROM debian:12\nCOPY app /srv\nRUN chmod -R 777 /srv\nUSER 10001"),
    fine=Example(
        "Group 0, and only the folder it writes",
        "FROM debian:12\nCOPY app /srv\nRUN chgrp -R 0 /srv/data && chmod -R g=u /srv/data\nUSER 10001",
    ),
    check=check,
    decided=(
        "Every RUN in history is read as a shell would. `chmod` with `-R` or `--recursive`, or behind `find -exec`, "
        "counts when its mode lets others write: an octal mode whose last digit has the 2, or `a+w`, `o+w`, `o=u` and "
        "the like. What the files are now is NR308; history is only what the builder says, so this never decides a "
        "verdict."
    ),
    decides=False,
)
