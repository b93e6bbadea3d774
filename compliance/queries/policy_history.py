"""The versions of a policy, and what one says otherwise than another, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance.models import Policy, PolicyVersion
from compliance.policy.difference import Difference, diff_policies
from compliance.policy.document import read_policy
from compliance.queries.paging import Paging, page_of
from compliance.queries.policies import author_of, current_of
from scanner.rulebook import RULES

PER_PAGE = 20
_TITLES = {rule.id: rule.title for rule in RULES}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs between two versions; ``rule`` is empty for the policy as a whole."""

    rule: str
    title: str
    what: str
    before: str
    after: str
    words: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version.

    :param changes: against the version before it; ``first`` has none to compare with.
    """

    number: int
    at: datetime
    author: str
    note: str
    edited: bool
    current: bool
    first: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the later of two versions says otherwise."""

    a: VersionRow
    b: VersionRow
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class History:
    """One page of the versions, newest first, and two of them side by side where the address names two."""

    name: str
    title: str
    rows: tuple[VersionRow, ...]
    paging: Paging
    a: int
    b: int
    compared: Comparison | None


def policy_history(policy: Policy, params: Mapping[str, str]) -> History:
    """The page that an address asks for; without two versions in it, the newest two are chosen but not compared."""
    versions = PolicyVersion.objects.filter(policy=policy).select_related("author")
    paging = page_of(params.get("page", ""), versions.count(), size=PER_PAGE)
    rows = version_rows(policy, paging.offset, paging.size)
    wanted = [_number(params.get(name, "")) for name in ("a", "b")]
    found = {version.number: version for version in versions.filter(number__in=wanted)}
    newest = rows[0].number if rows else 1
    compared = _compared(policy, found[wanted[0]], found[wanted[1]]) if found.keys() == set(wanted) else None
    a, b = (compared.a.number, compared.b.number) if compared else (max(1, newest - 1), newest)
    return History(policy.name, policy.title, rows, paging, a, b, compared)


def version_rows(policy: Policy, offset: int, count: int) -> tuple[VersionRow, ...]:
    """Versions, newest first, each with what it changed."""
    versions = PolicyVersion.objects.filter(policy=policy).select_related("author").order_by("-number")
    found = list(versions[offset : offset + count + 1])  # one more, to compare the oldest with
    before = [*found[1:], None]
    pairs = zip(found[:count], before, strict=False)
    return tuple(_row(policy, version, older) for version, older in pairs)


def changes_between(before: PolicyVersion, after: PolicyVersion) -> tuple[Change, ...]:
    """What the second version says otherwise."""
    return changes_of(diff_policies(read_policy(before.document), read_policy(after.document)))


def changes_of(differences: Iterable[Difference]) -> tuple[Change, ...]:
    """Differences with the words for them."""
    return tuple(
        Change(each.rule, _TITLES.get(each.rule, ""), each.what, each.before, each.after, _words(each))
        for each in differences
    )


def _words(each: Difference) -> str:
    if each.what == "title":
        return f"the title was “{each.before}”"
    if each.what == "fails at":
        return f"what fails by severity: {each.after}, was {each.before}"
    if each.what == "rule":
        return f"{each.rule} is {'asked for' if each.after == 'on' else 'not asked for any more'}"
    if each.what == "verdict":
        return f"{each.rule} {'fails the image' if each.after == 'fails' else 'does not fail the image any more'}"
    return f"{each.what} of {each.rule}: {each.after}, was {each.before}"


def _compared(policy: Policy, one: PolicyVersion, other: PolicyVersion) -> Comparison:
    return Comparison(_row(policy, one, None), _row(policy, other, None), changes_between(one, other))


def _row(policy: Policy, version: PolicyVersion, before: PolicyVersion | None) -> VersionRow:
    return VersionRow(
        number=version.number,
        at=version.created_at,
        author=author_of(version),
        note=version.note,
        edited=version.edited,
        current=version == current_of(policy),
        first=before is None,
        changes=() if before is None else changes_between(before, version),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
