"""From a sender's words to a checked hint."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from compliance.webhooks.body import quoted, text
from compliance.webhooks.hint import Hint, Kind, Odd, Reading
from scanner.domain.reference import InvalidReference, parse_digest, parse_repository, parse_tag

MOST_HINTS: Final = 1_000
LONGEST_PUSHER: Final = 255
_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}", re.ASCII)
BY_DIGEST: Final = "pushed by digest: the tag's own event will tell"
NOTHING_NAMED: Final = "deleted without tag or digest: the next scan will tell"


@dataclass(frozen=True, slots=True)
class Told:
    """What one event says, as its sender wrote it; ``tag`` may hold a digest."""

    kind: Kind
    repository: str
    tag: str
    digest: str = ""
    event_key: str = ""
    host: str = ""
    pusher: str | None = None


def add(reading: Reading, told: Told) -> None:
    """Check every name and put the hint, or the reason why there is none, into the reading."""
    try:
        hint = _checked(told)
    except InvalidReference as problem:
        reading.odd.append(f"not a valid {problem.kind}: {quoted(problem.text)}")
        return
    if not hint.tag and told.kind is Kind.PUSHED:
        reading.ignored.append(BY_DIGEST)
    elif not hint.tag and not hint.digest:
        reading.ignored.append(NOTHING_NAMED)
    elif len(reading.hints) >= MOST_HINTS:
        raise Odd(f"More than {MOST_HINTS:,} pushes in one request.")
    elif hint not in reading.hints[-50:]:
        reading.hints.append(hint)


def one(told: Told) -> Reading:
    """A request that tells of one thing."""
    reading = Reading()
    add(reading, told)
    return reading


def ignored(why: str) -> Reading:
    """A request that asks for nothing."""
    return Reading(ignored=[why])


def pusher(body: object, *path: str) -> str | None:
    """Who pushed, at a path of a payload; a push counts whatever stands there."""
    try:
        return name_of(text(body, *path))
    except Odd:
        return None


def name_of(found: str) -> str | None:
    """A name that can be shown whole, or nothing: cut or escaped it could be somebody else's."""
    name = found.strip()
    return name if 0 < len(name) <= LONGEST_PUSHER and name.isprintable() else None


def event_key(*parts: str) -> str:
    """One word that tells an event from others; empty when there is nothing to make it of."""
    if not all(parts):
        return ""
    joined = "/".join(parts)
    return joined if _KEY.fullmatch(joined) else hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest()


def _checked(told: Told) -> Hint:
    tag, digest = told.tag, told.digest
    if ":" in tag:  # no tag holds a colon: some products write the digest here
        tag, digest = "", parse_digest(tag)
    return Hint(
        told.kind,
        parse_repository(told.repository),
        parse_tag(tag) if tag else "",
        parse_digest(digest) if digest else "",
        told.event_key,
        told.host.lower() if _HOST.fullmatch(told.host) else "",
        told.pusher if told.kind is Kind.PUSHED else None,
    )
