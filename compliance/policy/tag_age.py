"""Which tags of a repository are the newest, although registries do not say when a tag was pushed.

What is known of a tag comes first: when we saw it move, else when its image was built, else when we first saw it. Of a
tag whose image was never read only the name is known: it is taken to be as old as the tag that comes before it in the
order of versions (``1.9`` before ``1.10``), and of equally old ones the higher version is the newer. So a new release
counts at once, and of the newest ten no more than ten are read. Where only the age counts and not a number of tags,
every tag is read once, since nothing but its image tells its age.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from compliance.policy.globs import fits_any
from compliance.policy.scan_scope import ScanScope, tag_in_scope

_OLDEST = datetime.min.replace(tzinfo=UTC)
FIRST_CONTAINERS = datetime(2013, 1, 1, tzinfo=UTC)
"""Docker appeared in 2013: reproducible builds that say 1970 or 1980 do not tell when they were made."""

_DEFAULT_TAG = "latest"
"""What everybody gets who names no tag."""

_PIECE = re.compile(r"[0-9]+|[A-Za-z]+", re.ASCII)
_BEFORE_A_RELEASE = frozenset({"alpha", "beta", "rc", "cr", "pre", "preview", "dev", "snapshot", "nightly"})

Key = tuple[int, tuple[tuple[int, int, str], ...], str]


def version_key(tag: str) -> Key:
    """Order tags as people count versions: numbers as numbers, a leading v for nothing, 1.0-rc1 before 1.0.

    Names without a number (latest, main) come after all versions: they are there to be moved.
    """
    pieces = tuple(_weighed(piece) for piece in _PIECE.findall(_without_v(tag)))
    # A release is followed by its own end, which is more than a pre-release and less than any other addition.
    return (0 if any(kind == 3 for kind, _, _ in pieces) else 1), (*pieces, (1, 0, "")), tag


def built_at(said: datetime | None, *, first_seen: datetime) -> datetime | None:
    """When an image was built, by its config, which nobody checks: before containers, or after it was seen, is never.

    :param first_seen: when we saw it, or a tag of it.
    """
    return said if said is not None and FIRST_CONTAINERS <= said <= first_seen else None


def pushed_at(*, first_seen: datetime, moved: datetime, built: datetime | None) -> datetime:
    """When a tag was pushed, as far as that can be told.

    :param built: as its image's config says.
    """
    if moved > first_seen:
        return moved
    return built_at(built, first_seen=first_seen) or first_seen


def tags_to_scan(
    names: Iterable[str],
    scope: ScanScope,
    protected: Sequence[str],
    ages: Mapping[str, datetime],
    *,
    now: datetime,
) -> list[str]:
    """The tags that count, in the order of names.

    :param names: what the registry lists.
    :param protected: globs of tags that count however old they are, and besides the number of newest ones.
    :param ages: when tags were pushed, of those that are known; a tag without is never read.
    """
    fitting = sorted({name for name in names if tag_in_scope(name, scope, protected)})
    if not scope.by_age:
        return fitting
    always = {name for name in fitting if name == _DEFAULT_TAG or fits_any(name, protected)}
    young = [name for name in fitting if name not in always]
    if scope.pushed_within_days is not None:
        since = now - timedelta(days=scope.pushed_within_days)
        young = [name for name in young if name not in ages or ages[name] >= since]
    if scope.newest_tags is not None:
        young = _newest_first(young, ages)[: scope.newest_tags]
    return sorted({*always, *young})


def _newest_first(names: Iterable[str], ages: Mapping[str, datetime]) -> list[str]:
    dated: list[tuple[datetime, Key]] = []
    latest, rank = _OLDEST, 0
    for key in sorted(map(version_key, names)):
        if key[0] != rank:  # a version says nothing about main
            latest, rank = _OLDEST, key[0]
        latest = ages.get(key[2], latest)
        dated.append((latest, key))
    return [key[2] for _, key in sorted(dated, reverse=True)]


def _without_v(tag: str) -> str:
    return tag[1:] if tag[:1] in ("v", "V") and tag[1:2].isdecimal() else tag


def _weighed(piece: str) -> tuple[int, int, str]:
    if piece[0].isdecimal():
        # No more digits than a date with its time: longer ones are hashes, which int() need not read.
        return (3, int(piece), "") if len(piece) <= 20 else (3, 0, piece)
    return (0, 0, piece) if piece.lower() in _BEFORE_A_RELEASE else (2, 0, piece)
