"""Which repositories, tags and platforms of a registry are scanned."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.policy.globs import fits_any

OUT_OF_SCOPE: Final = "out-of-scope"
"""The code of what is left out, where others have the code of what went wrong."""

MOST_PATTERNS: Final = 50
"""Of one kind. A million names are held against each of them."""

LONGEST_REPOSITORY_PATTERN: Final = 255
LONGEST_TAG_PATTERN: Final = 128
MOST_PLATFORMS: Final = 16
MOST_NEWEST: Final = 100_000
LONGEST_AGE: Final = 36_500
"""Days."""

# The characters of names (OCI distribution spec, "Pulling manifests") and two wildcards: no classes, no escapes.
_REPOSITORY = re.compile(r"[a-z0-9._/*?-]+", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_.*?-]+", re.ASCII)
_PLATFORM = re.compile(r"[a-z0-9]{1,16}/(\*|[a-z0-9_]{1,16})(/[a-z0-9]{1,8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ScanScope:
    """Globs of ``*`` and ``?``; no include pattern includes everything, an exclude pattern wins over an include.

    :param newest_tags: how many of each repository count, youngest first; ``None``: all.
    :param pushed_within_days: older tags do not count; ``None``: all do.
    :param platforms: ``os/architecture[/variant]`` of an index's images that are read; empty: all.
    """

    include_repositories: tuple[str, ...] = ()
    exclude_repositories: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    newest_tags: int | None = None
    pushed_within_days: int | None = None
    platforms: tuple[str, ...] = ()

    @property
    def by_age(self) -> bool:
        """Whether it depends on when tags were pushed."""
        return self.newest_tags is not None or self.pushed_within_days is not None

    @property
    def platform_key(self) -> str:
        """The same text for the same choice of platforms; empty for all."""
        return ",".join(sorted(set(self.platforms)))


class InvalidScope(ValueError):
    """What was entered names nothing; the message says why, for whoever filled in the form."""


def repository_in_scope(name: str, scope: ScanScope) -> bool:
    """Whether a repository is scanned."""
    return _counts(name, scope.include_repositories, scope.exclude_repositories)


def tag_in_scope(tag: str, scope: ScanScope, protected: Sequence[str] = ()) -> bool:
    """Whether a tag's name lets it be scanned; how old it may be is ``compliance.policy.tag_age``'s.

    :param protected: ``Registry.protected_tags``, which always count.
    """
    return _counts(tag, scope.include_tags, scope.exclude_tags) or fits_any(tag, protected)


def platform_in_scope(platform: str, platforms: Sequence[str]) -> bool:
    """Whether an image of an index is read.

    :param platform: ``os/architecture[/variant]`` as the index says; what it says nothing of is read.
    :param platforms: ``ScanScope.platforms``; one without a variant means all variants.
    """
    if not platforms or not platform:
        return True
    has = platform.split("/")
    return any(_is_platform(has, wanted.split("/")) for wanted in platforms)


def parse_repository_patterns(text: str) -> tuple[str, ...]:
    """Read globs separated by commas, spaces or new lines: ``*`` is any text, slashes too, ``?`` any character.

    :raises InvalidScope: for too many, too long ones, or characters that no repository's name has.
    """
    told = "a repository has small letters, digits and . _ - / only; * and ? stand for others."
    return _patterns(text, LONGEST_REPOSITORY_PATTERN, MOST_PATTERNS, _REPOSITORY.fullmatch, told)


def parse_tag_patterns(text: str) -> tuple[str, ...]:
    """The same for tags.

    :raises InvalidScope: for too many, too long ones, or characters that no tag has.
    """
    told = "a tag has letters, digits and _ . - only; * and ? stand for others."
    return _patterns(text, LONGEST_TAG_PATTERN, MOST_PATTERNS, _TAG.fullmatch, told)


def parse_platforms(text: str) -> tuple[str, ...]:
    """Read ``os/architecture`` or ``os/architecture/variant``; ``linux/*`` is every architecture of Linux.

    :raises InvalidScope: for too many, or what is no platform.
    """
    told = "write os/architecture, for example linux/amd64, linux/arm64/v8 or linux/*."
    return _patterns(text, 44, MOST_PLATFORMS, _PLATFORM.fullmatch, told)


def scope_problems(scope: ScanScope) -> dict[str, str]:
    """What is wrong, by the name of the field, in sentences for whoever filled in the form."""
    readers: dict[str, Callable[[str], tuple[str, ...]]] = {
        **dict.fromkeys(("include_repositories", "exclude_repositories"), parse_repository_patterns),
        **dict.fromkeys(("include_tags", "exclude_tags"), parse_tag_patterns),
        "platforms": parse_platforms,
    }
    found: dict[str, str] = {}
    for name, read in readers.items():
        try:
            read(" ".join(getattr(scope, name)))
        except InvalidScope as error:
            found[name] = str(error)
    for name, most in (("newest_tags", MOST_NEWEST), ("pushed_within_days", LONGEST_AGE)):
        number = getattr(scope, name)
        if number is not None and not 1 <= number <= most:
            found[name] = f"Enter a number from 1 to {most:,}, or nothing."
    return found


def _patterns(text: str, longest: int, most: int, is_valid: Callable[[str], object], told: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if len(found) > most:
        raise InvalidScope(f"These are {len(found)}; at most {most} are allowed.")
    for pattern in found:
        if len(pattern) > longest:
            raise InvalidScope(f"“{pattern[:20]}…” is too long; at most {longest} characters are allowed.")
        if not is_valid(pattern):
            raise InvalidScope(f"“{pattern}”: {told}")
    return found


def _counts(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    return (not include or fits_any(name, include)) and not fits_any(name, exclude)


def _is_platform(has: Sequence[str], wanted: Sequence[str]) -> bool:
    return len(has) >= len(wanted) and all(want in ("*", part) for want, part in zip(wanted, has, strict=False))
