"""Which policy judges a repository: the most specific assignment that fits its name, else its registry's policy.

From the most specific on: a glob on one registry, a glob on all registries, the registry. Of several that fit on one
level the first in their order counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

LONGEST_PATTERN = 255

# The characters of repository names (OCI distribution spec, "Pulling manifests") and two wildcards.
_PATTERN = re.compile(r"[a-z0-9._/*?-]+")


class InvalidPattern(ValueError):
    """What was entered names no repositories; the message says why."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One ``PolicyAssignment``; ``registry`` is ``None`` for all of them, ``policy`` an id."""

    registry: int | None
    pattern: str
    policy: int
    position: int = 0


def parse_pattern(text: str) -> str:
    """Read one glob: ``*`` is any text, slashes too, ``?`` any character.

    :raises InvalidPattern: for an empty or too long one, or characters that no repository's name has.
    """
    if not text:
        raise InvalidPattern("Enter a name or a pattern, for example team-a/*.")
    if len(text) > LONGEST_PATTERN:
        raise InvalidPattern(f"A pattern may have at most {LONGEST_PATTERN} characters.")
    if _PATTERN.fullmatch(text) is None:
        raise InvalidPattern("A repository has small letters, digits and . _ - / only; * and ? stand for others.")
    return text


def effective_policy(registry: int, name: str, fallback: int, assignments: Sequence[Assignment]) -> int:
    """The id of the policy that judges a repository.

    :param fallback: the registry's policy.
    :param assignments: in the order of ``in_order``.
    """
    for each in assignments:
        if each.registry in (registry, None) and fnmatchcase(name, each.pattern):
            return each.policy
    return fallback


def in_order(assignments: Sequence[Assignment]) -> list[Assignment]:
    """The most specific first."""
    return sorted(assignments, key=lambda each: (_level(each), each.position))


def _level(assignment: Assignment) -> int:
    return 0 if assignment.registry is not None else 1
