"""NR501: the build took whichever uid was free."""

from __future__ import annotations

import re

from scanner.domain.build_commands import BuildStep, Words, commands_naming, step_evidence
from scanner.domain.citations import FRIENDS, NIST_800_190, RANDOM_IDS, USERADD_8
from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import remedy
from scanner.domain.fixes import Account, base_family, create_account, safe_name, someone_else
from scanner.domain.printable import quoted
from scanner.domain.reading import accounts
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Outcome, Severity

_SHOWN = 20
_MOST_ACCOUNTS = 1_000
_NAMES = ("useradd", "adduser")
# Short options that take an argument: shadow's useradd, and BusyBox' adduser, which has -g for a comment.
_USERADD_ARGUMENTS = frozenset("bcdefgGkKpPRsuZ")
_ADDUSER_ARGUMENTS = frozenset("bcdefgGhkKpPRsuZ")
_LONG_ARGUMENTS = frozenset(
    (
        *("base-dir", "comment", "home-dir", "home", "expiredate", "inactive", "gid", "groups", "skel", "key"),
        *("password", "root", "prefix", "shell", "uid", "selinux-user", "ingroup", "gecos", "conf"),
        *("firstuid", "lastuid", "firstgid", "lastgid"),
    )
)
_DEFAULTS = ("-D", "--defaults")
_NO_ACCOUNT = ("--help", "--version", "--show-config")
_USERADD_HELP = "-h"  # a home for BusyBox' adduser
_SHORT = re.compile(r"-[A-Za-z]")


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """``useradd`` and ``adduser`` that make an account, without an explicit uid."""
    if not facts.config.history:
        return not_applicable("The image has no history.")
    run, complete = commands_naming(facts, *_NAMES)
    found = [(step, words, name) for step, words in run if words[0] in _NAMES and (name := _made(words)) is not None]
    if not found:
        return ok() if complete else unknown("History is too long to be read.")
    more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
    said = f"{quoted(' '.join(found[0][1]))}{more} took the first free uid, which may be another one in the next build."
    evidence = tuple(step_evidence(facts, step, " ".join(words)) for step, words, _ in found[:_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, found))


def _made(words: Words) -> str | None:
    """The account a command makes with a uid of its own choice; ``None`` where it pins one or makes none."""
    options, names = _read(words)
    if "u" in options or "uid" in options or any(word in _NO_ACCOUNT for word in words):
        return None
    if words[0] == "useradd":
        return names[-1] if names and not any(word in (*_DEFAULTS, _USERADD_HELP) for word in words) else None
    only_a_group = "group" in options and "system" not in options
    # ``adduser USER GROUP`` makes a member, not an account.
    return names[0] if len(names) == 1 and not only_a_group else None


def _read(words: Words) -> tuple[set[str], list[str]]:
    """Options without their dashes, and what is no option."""
    taking = _USERADD_ARGUMENTS if words[0] == "useradd" else _ADDUSER_ARGUMENTS
    options: set[str] = set()
    names: list[str] = []
    skip = False
    for word in words[1:]:
        if skip:
            skip = False
        elif word.startswith("--"):
            name, equals, _ = word[2:].partition("=")
            options.add(name)
            skip = not equals and name in _LONG_ARGUMENTS
        elif _SHORT.match(word):
            skip = _cluster(word, taking, options)
        else:
            names.append(word)
    return options, names


def _cluster(word: str, taking: frozenset[str], options: set[str]) -> bool:
    """Add the letters of ``-rmu`` or ``-u1000``; whether the next word belongs to the last one."""
    for at, letter in enumerate(word[1:], start=1):
        options.add(letter)
        if letter in taking:
            return at == len(word) - 1
    return False


def _fix(facts: ImageFacts, said: str, found: list[tuple[BuildStep, Words, str]]) -> str:
    wanted = {safe_name(name) for _, _, name in found}
    entries = zip(accounts(facts.passwd), range(_MOST_ACCOUNTS), strict=False)
    known = next((entry for entry, _ in entries if entry.name in wanted and 0 < entry.uid < 2**31), None)
    account = Account(known.name, known.uid, max(known.gid, 0), exists=False) if known else someone_else(facts)
    prose = f"{said} Say which: the number it has now, or one above 10000, where no package will take it."
    return remedy(prose, create_account(base_family(facts), account))


RULE = Rule(
    id="NR501",
    slug="uid-not-pinned",
    title="Makes an account without saying its uid",
    why="A package that makes an account of its own shifts the number, and files on volumes change hands.",
    severity=Severity.INFO,
    references=(RANDOM_IDS, FRIENDS, NIST_800_190, USERADD_8),
    violating=Example("The first free uid", "FROM debian:12\nRUN useradd --create-home app\nUSER app"),
    fine=Example(
        "The same uid in every build", "FROM debian:12\nRUN useradd --uid 10001 --create-home app\nUSER 10001"
    ),
    check=check,
    decided=(
        "Every RUN in history is read as a shell would, build arguments, heredocs and `sh -c` included. `useradd` and "
        "`adduser` that make an account without `-u` or `--uid` are reported, those of the base image too; `adduser "
        "USER GROUP` makes no account. Scripts that were copied in cannot be read from history, and history is only "
        "what the builder says, so this never decides a verdict."
    ),
    decides=False,
)
