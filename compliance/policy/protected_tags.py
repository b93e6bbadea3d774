"""Which tags of a registry are protected: a failing one caps the grade of its repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

MOST_PATTERNS = 20
LONGEST_PATTERN = 128

# The characters of tags (OCI distribution spec, "Pulling manifests") and two wildcards: no classes, no escapes.
_PATTERN = re.compile(r"[A-Za-z0-9_.*?-]+")


class InvalidPatterns(ValueError):
    """What was entered names no tags; the message says why."""


def parse_protected_tags(text: str) -> tuple[str, ...]:
    """Read globs separated by commas or spaces: ``*`` is any text, ``?`` any character.

    :raises InvalidPatterns: for too many, too long ones, or characters that no tag has.
    """
    found = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if len(found) > MOST_PATTERNS:
        raise InvalidPatterns(f"These are {len(found)} patterns; at most {MOST_PATTERNS} are allowed.")
    for pattern in found:
        if len(pattern) > LONGEST_PATTERN:
            raise InvalidPatterns(f"A pattern may have at most {LONGEST_PATTERN} characters.")
        if _PATTERN.fullmatch(pattern) is None:
            raise InvalidPatterns(f"“{pattern}”: a tag has letters, digits and _ . - only; * and ? stand for others.")
    return found


def is_protected(tag: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is the whole tag; upper and lower case differ, as in tags."""
    return any(fnmatchcase(tag, pattern) for pattern in patterns)


def patterns_regex(patterns: Sequence[str]) -> str:
    """The same as a regular expression of Postgres; patterns as ``parse_protected_tags`` returns them."""
    made = (re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns)
    return f"^(?:{'|'.join(made)})$"
