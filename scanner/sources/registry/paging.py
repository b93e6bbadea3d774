"""Follows the pages of a listing by its ``Link`` header (RFC 8288), and sees to it that they end.

Making the next address ourselves from ``last=`` fails on registries whose cursor is opaque (ECR Public).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from scanner.domain.limits import Limits
from scanner.sources.registry.addresses import InvalidRegistryUrl, Target, resolve_target
from scanner.sources.registry.errors import refused

_LINK = re.compile(
    r"[ \t,]*<([^<>]*)>((?:[ \t]*;[ \t]*[^\s\"=;,]+(?:[ \t]*=[ \t]*(?:\"[^\"]*\"|[^\s\";,]*))?)*)", re.ASCII
)
_NEXT = re.compile(
    r";[ \t]*rel[ \t]*=[ \t]*(?:\"(?:[^\"]*[ \t])?next(?:[ \t][^\"]*)?\"|next(?![^\s;,]))", re.ASCII | re.I
)
_LONGEST_HEADER = 8_192
_STALE_PAGES = 10


@dataclass(frozen=True, slots=True)
class Page:
    """The names of one page, unchecked, and where the next one is."""

    names: list[str]
    following: Target | None


def next_page(base: Target, headers: Iterable[str]) -> Target | None:
    """Return the address a ``Link`` calls ``next``.

    :raises Refused: ``pagination-forbidden`` when it is not on the origin that was asked.
    """
    location = linked(headers)
    return None if location is None else on_same_origin(base, location)


def linked(headers: Iterable[str]) -> str | None:
    """Return what a ``Link`` calls ``next``, as it stands there."""
    for header in headers:
        for link in _LINK.finditer(header[:_LONGEST_HEADER]):
            if _NEXT.search(link[2]):
                return link[1]
    return None


def on_same_origin(base: Target, location: str) -> Target:
    """Read where a listing says its next page is.

    :raises Refused: ``pagination-forbidden`` for another origin than that of the page it stands on.
    """
    try:
        following = resolve_target(base, location)
    except InvalidRegistryUrl as error:
        raise refused("pagination-forbidden", f"{base.origin}: the next page of a listing is no URL") from error
    if following.origin != base.origin:
        raise refused("pagination-forbidden", f"{base.origin}: the next page of a listing is on {following.origin}")
    return following


def names_of_all_pages(
    first: Page, fetch: Callable[[Target], Page], key: Literal["repositories", "tags"], limits: Limits
) -> Iterator[str]:
    """Stream the names of a listing, each once.

    :param key: what is listed, which is also the name of its limit.
    :raises Refused: ``pagination-loop`` or ``too-large``.
    """
    page, seen, visited, stale = first, set[str](), set[str](), 0
    names: int = getattr(limits, key)
    while True:
        fresh = [name for name in dict.fromkeys(page.names) if name not in seen]
        seen.update(fresh)
        if len(seen) > names:
            raise refused("too-large", f"The listing has more than {names} {key}", limit=key)
        yield from fresh
        if page.following is None:
            return
        stale = 0 if fresh else stale + 1
        visited.add(page.following.path)
        if stale >= _STALE_PAGES:
            raise refused("pagination-loop", f"The listing has had nothing new for {stale} pages")
        if len(visited) >= limits.pages:
            raise refused("pagination-loop", f"The listing goes on after {len(visited)} pages", limit="pages")
        following = page.following
        page = fetch(following)
        if page.following and page.following.path in visited:
            raise refused("pagination-loop", "The listing leads back to a page it already gave")
