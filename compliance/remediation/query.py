"""The language of the search box: ``status:open severity:high team:payments is:protected age:>14d -waived checkout``.

A word with a colon is a filter, one with a minus before it leaves out, and any other is looked for in the names of
repositories and of rules. ``"…"`` holds a word together and keeps it from being a filter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from compliance.policy.labels import GRAMMAR
from compliance.remediation.terms import (
    DUES,
    FLAGS,
    OPPOSITES,
    PAST,
    RULE_IDS,
    SEVERITIES,
    STATUSES,
    TERMS,
    canonical,
    members_of,
)

LONGEST = 500
MOST_WORDS = 5
_TOKEN = re.compile(
    r'(?P<minus>-?)(?:(?P<name>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]+)|(?P<none>(?<=:)))'
)
_LISTS = {"status": STATUSES, "severity": SEVERITIES, "rule": RULE_IDS}
_BARE = {
    **{status: ("status", status) for status in STATUSES},
    **{flag: ("is", flag) for flag in FLAGS},
    "overdue": ("due", "overdue"),
}
"""Words that are filters by themselves."""
_SHORT = {"repo": "repository", "sev": "severity"}


@dataclass(frozen=True, slots=True)
class Query:
    """What a text asks for.

    :param terms: canonical values by the names of ``TERMS``.
    :param words: what is looked for in names.
    :param problems: a sentence for each word that is not understood; then nothing should be found.
    """

    terms: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def parse_query(text: str) -> Query:
    """Read what was typed."""
    reader = _Reader()
    # Postgres refuses NUL, and nobody means what cannot be printed.
    printable = "".join(c if c.isprintable() else " " for c in text)
    if len(printable) > LONGEST:
        reader.problems.append(f"The search has more than {LONGEST} characters.")
    for match in _TOKEN.finditer(printable[:LONGEST]):
        reader.take(match)
    return reader.query()


def format_words(words: tuple[str, ...]) -> str:
    """Words as they are typed to be read as words."""
    return " ".join(f'"{word}"' if _is_more_than_a_word(word) else word for word in words)


def format_query(query: Query) -> str:
    """A text that is read as this query."""
    terms = [_typed(name, value) for name, value in query.terms.items()]
    return " ".join([*terms, format_words(query.words)]).strip()


def _typed(name: str, value: str) -> str:
    if name in _LISTS and value.startswith("-"):
        return f"-{name}:{value[1:]}"
    return f'{name}:"{value}"' if re.search(r"\s", value) or value.startswith("-") else f"{name}:{value}"


def _is_more_than_a_word(word: str) -> bool:
    return ":" in word or word.startswith("-") or " " in word or word.lower() in _BARE


class _Reader:
    def __init__(self) -> None:
        self.terms: dict[str, str] = {}
        self.words: list[str] = []
        self.problems: list[str] = []

    def take(self, match: re.Match[str]) -> None:
        minus, name = bool(match["minus"]), (match["name"] or "").lower()
        quoted = match["quoted"] is not None
        value = match["quoted"] if quoted else match["plain"] or ""
        if quoted and not value and name:
            value = '""'  # said to be empty
        if name:
            self._filter(_SHORT.get(name, name), value, minus, match[0])
        elif not quoted and value.lower() in _BARE:
            self._filter(*_BARE[value.lower()], minus, match[0])
        elif minus and value:
            self.problems.append(f"“{match[0]}” cannot be left out: {_names_of_filters()} can.")
        elif value.strip():
            self.words.append(value.strip())

    def _filter(self, name: str, value: str, minus: bool, said: str) -> None:
        if name == "is":
            name, value = _what_it_is(value)
        if name not in TERMS:
            self.problems.append(f"“{said}”: there is no filter “{name}”. There are {', '.join(TERMS)}.")
        elif (name in _LISTS and value.startswith("-")) or not canonical(name, value):
            self.problems.append(f"“{said}”: {_expected(name)}")
        elif not minus:
            self._add(name, canonical(name, value), said)
        elif name in _LISTS:
            self._add(name, canonical(name, f"-{value}"), said)
        elif value in OPPOSITES:
            self._add(name, OPPOSITES[value], said)
        else:
            self.problems.append(f"“{said}” cannot be left out: {_names_of_filters()} can.")

    def _add(self, name: str, value: str, said: str) -> None:
        before = self.terms.get(name)
        both = value if before is None else _both(name, before, value)
        if both:
            self.terms[name] = both
        else:
            self.problems.append(f"“{said}” leaves nothing of the {name} asked for before.")

    def query(self) -> Query:
        if len(self.words) > MOST_WORDS:
            self.problems.append(f"The search has more than {MOST_WORDS} words.")
        ordered = {name: self.terms[name] for name in TERMS if name in self.terms}
        return Query(ordered, tuple(self.words[:MOST_WORDS]), tuple(self.problems))


def _both(name: str, before: str, value: str) -> str:
    """A filter that was named twice: of a list what fits both ways, all flags and labels, else the same or nothing."""
    if name in ("is", "label"):
        return canonical(name, f"{before},{value}")
    if name not in _LISTS:
        return value if value == before else ""
    if before.startswith("-") and value.startswith("-"):
        return canonical(name, f"{before},{value[1:]}")
    allowed = _LISTS[name]
    if not before.startswith("-") and not value.startswith("-"):
        return canonical(name, f"{before},{value}")
    left = set(members_of(before, allowed)) & set(members_of(value, allowed))
    return canonical(name, ",".join(left)) if left else ""


def _what_it_is(value: str) -> tuple[str, str]:
    """``is:overdue`` and ``is:waived`` are what people type for other filters."""
    low = value.lower()
    if low == "overdue":
        return "due", low
    return ("status", low) if low in STATUSES else ("is", low)


def _names_of_filters() -> str:
    return f"{', '.join(_LISTS)} and is:protected"


def _expected(name: str) -> str:
    lists = {**_LISTS, "is": (*FLAGS, "overdue"), "due": DUES}
    if name == "rule":
        return f"a rule is one of {RULE_IDS[0]} to {RULE_IDS[-1]}."
    if name in lists:
        return f"{name} is one of {', '.join(lists[name])}."
    examples = {
        "age": "age is written as >14d, <7d or 8-30d.",
        "repository": "a repository is written registry/name.",
        "base": "a declared base is written registry/name:tag, or none.",
        "label": f"{GRAMMAR[0].lower()}{GRAMMAR[1:]}",
    }
    examples |= {past: f"{past} is written in days: {past}:30d." for past in PAST}
    return examples.get(name, f"that is no {name}.")
