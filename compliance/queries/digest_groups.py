"""Tags of one repository by what they point to: ten tags of one image are one row.

Tags of a digest that show different verdicts, as where a waiver is for one of them, are rows of their own: the number
of a row is the list of its digest and its verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from django.db.models import Count, F, Max, Min, OrderBy, QuerySet, Window
from django.db.models.functions import RowNumber

from compliance.models import Tag
from compliance.queries.counted import Counted
from compliance.queries.paging import Paging, page_of
from compliance.queries.tag_times import Times, times_of, with_times
from compliance.queries.tags import OWNERS, TagRow, rows_of

MOST_NAMED: Final = 5
_KEY: Final = ("digest", "shown")
_SORTS: Final = {"name": Min("name"), "moved": Max("moved_at"), "size": Max("size"), "score": Max("score")}


@dataclass(frozen=True, slots=True)
class DigestRow:
    """One digest.

    :param row: the tag of it that moved last, with its times.
    :param names: the first ``MOST_NAMED`` of all tags that lead to it.
    """

    row: TagRow
    names: tuple[str, ...]
    tags: Counted


def digest_groups(tags: QuerySet[Tag], sort: str, page: str, *, q: str) -> tuple[tuple[DigestRow, ...], Paging]:
    """One page of the digests of these tags, four queries.

    :param sort: a key of the list of tags.
    :param q: what the tags were looked for by; the list behind a number is too.
    """
    groups = tags.order_by().values(*_KEY).annotate(count=Count("pk"), place=_SORTS[sort.removeprefix("-")])
    paging = page_of(page, groups.count())
    chosen = list(groups.order_by(_order(sort), *_KEY)[paging.offset : paging.offset + paging.size])
    found = _named(tags, [each["digest"] for each in chosen])
    times = _times(named[0].pk for named in found.values())
    rows = ((each, found[each["digest"], each["shown"]]) for each in chosen if (each["digest"], each["shown"]) in found)
    return tuple(_row(each, named, times, q) for each, named in rows), paging


def _order(sort: str) -> OrderBy:
    place = F("place")
    return place.desc(nulls_last=True) if sort.startswith("-") else place.asc(nulls_last=True)


def _named(tags: QuerySet[Tag], digests: list[str]) -> dict[tuple[str, str], list[Tag]]:
    """The first tags of each digest and verdict, those that moved last before others."""
    place = Window(RowNumber(), partition_by=[F(name) for name in _KEY], order_by=[F("moved_at").desc(), F("name")])
    rows = tags.filter(digest__in=digests).annotate(place=place).filter(place__lte=MOST_NAMED)
    found: dict[tuple[str, str], list[Tag]] = {}
    for row in rows.select_related(*OWNERS).order_by("place"):
        found.setdefault((row.digest, row.shown), []).append(row)
    return found


def _times(shown: Iterable[int]) -> dict[int, Times]:
    """Of the tags that are shown for all; those of every tag would be asked for each that leads to the digest."""
    tags = with_times(Tag.objects.filter(pk__in=tuple(shown))).select_related("repository").order_by()
    return {tag.pk: times_of(tag) for tag in tags}


def _row(group: Mapping[str, object], named: list[Tag], times: Mapping[int, Times], q: str) -> DigestRow:
    query = urlencode({**({"q": q} if q else {}), "digest": group["digest"], "verdict": group["shown"]})
    row = replace(rows_of(named[:1])[0], times=times.get(named[0].pk))  # a scan may take a tag away in between
    return DigestRow(row, tuple(tag.name for tag in named), Counted(_count(group), f"?{query}"))


def _count(group: Mapping[str, object]) -> int:
    return int(str(group["count"]))
