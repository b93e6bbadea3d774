"""What a scope would let through, of what is stored: counts and examples, in bounded time whatever the fleet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

from compliance.models import Registry, Repository, Tag
from compliance.policy.scan_scope import ScanScope, repository_in_scope
from compliance.policy.tag_age import tags_to_scan
from compliance.queries.tag_ages import dated_tags, still_there

MOST_REPOSITORIES: Final = 20_000
MOST_TAGS: Final = 20_000
_EXAMPLES: Final = 8


@dataclass(slots=True)
class Matching:
    """How many names count and how many do not, with the first of each."""

    inside: int = 0
    outside: int = 0
    examples_inside: list[str] = field(default_factory=list)
    examples_outside: list[str] = field(default_factory=list)

    def add(self, name: str, *, counts: bool) -> None:
        """Count."""
        examples = self.examples_inside if counts else self.examples_outside
        if len(examples) < _EXAMPLES:
            examples.append(name)
        self.inside += counts
        self.outside += not counts

    @property
    def examined(self) -> int:
        """All names that were looked at."""
        return self.inside + self.outside


@dataclass(frozen=True, slots=True)
class ScopePreview:
    """``tags`` are those of repositories that count, as ``repository:tag``.

    :param complete: nothing was left out to be quick.
    :param by_age: tags nobody has read yet are weighed by their names until their images tell how old they are.
    """

    repositories: Matching
    tags: Matching
    complete: bool
    by_age: bool


def scope_preview(
    registry: Registry | None, scope: ScanScope, protected: Sequence[str], *, now: datetime
) -> ScopePreview:
    """Hold an unsaved scope against the repositories and tags that are stored of a registry, left out ones included.

    :param registry: ``None`` for one that is not saved yet, of which nothing is known.
    :param protected: globs of protected tags, as entered.
    """
    found = ScopePreview(Matching(), Matching(), complete=True, by_age=scope.by_age)
    if registry is None or registry.pk is None:
        return found
    rows = Repository.objects.filter(still_there(), registry=registry).order_by("name").values_list("pk", "name")
    repositories = list(rows[: MOST_REPOSITORIES + 1])
    inside: dict[int, str] = {}
    for pk, name in repositories[:MOST_REPOSITORIES]:
        counts = repository_in_scope(name, scope)
        found.repositories.add(name, counts=counts)
        if counts:
            inside[pk] = name
    left = _match_tags(inside, scope, protected, found.tags, now)
    complete = len(repositories) <= MOST_REPOSITORIES and not left
    return ScopePreview(found.repositories, found.tags, complete=complete, by_age=scope.by_age)


def _match_tags(
    inside: dict[int, str], scope: ScanScope, protected: Sequence[str], found: Matching, now: datetime
) -> bool:
    """Look at whole repositories, in the order of their names, while there is room; say whether some are left."""
    for _, group in groupby(_tags(inside), key=itemgetter(0)):
        tags = [(name, age) for _, name, age in islice(group, MOST_TAGS + 1)]
        if found.examined + len(tags) > MOST_TAGS and found.examined:
            return True
        _match_repository(tags[:MOST_TAGS], scope, protected, found, now)
        if len(tags) > MOST_TAGS:
            return True
    return False


def _match_repository(
    tags: Iterable[tuple[str, datetime]], scope: ScanScope, protected: Sequence[str], found: Matching, now: datetime
) -> None:
    ages = {name.rpartition(":")[2]: age for name, age in tags}
    counting = set(tags_to_scan(ages, scope, protected, ages, now=now))
    for name, _ in tags:
        found.add(name, counts=name.rpartition(":")[2] in counting)


def _tags(inside: dict[int, str]) -> Iterator[tuple[int, str, datetime]]:
    """Tags with their ages, repository after repository, a few repositories per query."""
    ids = list(inside)
    room = MOST_TAGS + 2
    for start in range(0, len(ids), 200):
        rows = Tag.objects.filter(repository__in=ids[start : start + 200]).order_by("repository__name", "name")
        for pk, name, age in dated_tags(rows, room):
            room -= 1
            yield pk, f"{inside[pk]}:{name}", age
        if room <= 0:
            return
