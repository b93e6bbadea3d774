"""What people are told, in words for mail, for chat and for programs, and when it is tried again.

Names of repositories, users and waivers come from elsewhere. Here they become printable, short and of one line, so that
they write no header of a mail and no link or mention in a chat.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from scanner.domain.printable import printable

SCHEMA: Final = 1
"""Of the generic payload: raised when a field changes its meaning or goes."""

MOST_LINES: Final = 10
LONGEST_SUBJECT: Final = 150
LONGEST_LINE: Final = 300
LONGEST_ABOUT: Final = 200

_MENTION: Final = re.compile(r"(?<!\w)@(?=\w)")
"""``@all`` calls everybody in a chat; an address of mail calls nobody."""

WAITS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)
"""Between one try and the next; after the last of them a message is given up."""


class Kind(StrEnum):
    """What somebody may want to be told of."""

    REGRESSION = "regression"
    CRITICAL = "critical"
    ASSIGNED = "assigned"
    OVERDUE = "overdue"
    WAIVER = "waiver"
    DIGEST = "digest"
    WATCHED = "watched"
    """Any of the first two, or what is overdue, in a repository that a person watches."""
    VIEW = "view"
    """What a saved view holds. Nobody subscribes to it as to the others: a person chooses views."""
    TEST = "test"
    """Nobody subscribes to it: it is asked for."""


_FOOT: Final = "Sent by a channel of Plimsoll, which is switched off here:"
_FEET: Final = {Kind.VIEW: "You have this view mailed each week, which you end here:"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of several, with the path of its page, and its id, rule and repository where it is a finding."""

    text: str
    path: str
    finding: int | None = None
    rule: str = ""
    repository: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened.

    :param about: names it, so that nobody is told twice at one place.
    :param path: where all of it is shown; ``wider``: it and whatever else is of its kind.
    :param lines: the first of what it is about; ``more`` are not named.
    :param repositories: ids of those that are named.
    :param teams: whose it is, ``None`` where it is nobody's: one must be allowed to see what all of them own.
    :param also: teams that are told though it is not theirs.
    :param people: the ids of those it concerns; ``None``: everybody who may see it.
    :param to_teams: whether channels of teams are told, too.
    :param unless: kinds of which the same is told: who hears of one of those does not hear of it twice.
    """

    kind: Kind
    about: str
    title: str
    path: str
    lines: tuple[Line, ...] = ()
    more: int = 0
    repository: str = ""
    repositories: tuple[int, ...] = ()
    teams: frozenset[int | None] = frozenset()
    also: frozenset[int] = frozenset()
    waiver: int | None = None
    people: frozenset[int] | None = None
    wider: str = ""
    to_teams: bool = True
    unless: frozenset[Kind] = frozenset()

    @property
    def count(self) -> int:
        """How many things it is about."""
        return len(self.lines) + self.more


@dataclass(frozen=True, slots=True)
class Message:
    """A notice in words: a mail's subject and text, a chat's request, a program's document."""

    subject: str
    text: str
    slack: dict[str, Any]
    payload: dict[str, Any]


def about(kind: Kind, *parts: object) -> str:
    """A key of bounded length; the same parts in the same order give the same."""
    whole = "/".join((kind.value, *(str(part) for part in parts)))
    return whole if len(whole) <= LONGEST_ABOUT else f"{kind.value}/{sha256(whole.encode()).hexdigest()}"


def about_many(kind: Kind, whose: object, keys: Iterable[object]) -> str:
    """A key for several things at once, in whatever order."""
    joined = "\n".join(sorted(str(key) for key in keys))
    return about(kind, whose, sha256(joined.encode()).hexdigest()[:32])


def words(notice: Notice, *, site: str = "", why: str = "") -> Message:
    """Say it.

    :param site: scheme and host of the site for links; without it paths stand alone.
    :param why: the path of the page that says why a mail is sent, and where to end it.
    """
    title = inline(notice.title, LONGEST_SUBJECT)
    lines = [(inline(line.text, LONGEST_LINE), site + line.path, line) for line in notice.lines[:MOST_LINES]]
    more = notice.more + max(0, len(notice.lines) - MOST_LINES)
    rest = f"and {more:,} more" if more else ""
    url = site + notice.path
    named = [*(f"- {said}\n  {link}" for said, link, _ in lines), *([rest] if rest else [])]
    foot = ["-- ", _FEET.get(notice.kind, _FOOT), site + why, ""] if why else []
    text = [title, "", *named, *([""] if named else []), url, "", *foot]
    return Message(
        subject=f"[Plimsoll] {title}",
        text="\n".join(text),
        slack=_slack(title, url, [(said, link) for said, link, _ in lines], rest, linked=bool(site)),
        payload={
            "schema": SCHEMA,
            "kind": notice.kind.value,
            "about": notice.about,
            "title": title,
            "url": url,
            "repository": inline(notice.repository, LONGEST_LINE),
            "items": [
                {"text": said, "url": link, "finding": line.finding, "rule": line.rule} for said, link, line in lines
            ],
            "more": more,
        },
    )


def inline(text: str, longest: int) -> str:
    """One line without anything a person could not see."""
    return printable(text, longest=longest)


def escaped(text: str) -> str:
    """Text that a chat takes for text: without mentions, links and entities of its own (Slack's three characters)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack(title: str, url: str, lines: list[tuple[str, str]], rest: str, *, linked: bool) -> dict[str, Any]:
    """Links only where there is a site to lead to; nothing is looked up for a preview, no name is made a mention."""

    def link(words: str, to: str) -> str:
        return f"<{escaped(to)}|{_plain(words)}>" if linked else _plain(words)

    text = "\n".join([link(title, url), *(f"• {link(said, to)}" for said, to in lines), *([rest] if rest else [])])
    return {"text": text, "parse": "none", "link_names": 0, "unfurl_links": False, "unfurl_media": False}


def _plain(words: str) -> str:
    """Text that means nothing to a chat, also not to those that take Slack's requests and read Markdown and names."""
    # A bar would end nothing, yet what comes after the first one is shown; another character leaves no doubt.
    return escaped(_MENTION.sub("＠", words)).replace("](", "] (").replace("|", "¦")


def next_try(attempts: int, now: datetime, *, asked: int = 0) -> datetime | None:
    """When to try again after so many tries; ``None``: no more.

    :param asked: seconds that the other side wants to be left alone; it is not waited for longer than the longest wait.
    """
    if not 1 <= attempts <= len(WAITS):
        return None
    return now + max(WAITS[attempts - 1], min(timedelta(seconds=asked), WAITS[-1]))


def sign(secret: str, delivery: str, timestamp: int, body: bytes) -> str:
    """The header that proves who sent it: HMAC-SHA256 over ``delivery.timestamp.body``, as ``t=…,v1=…``.

    The time is in it, so that whoever records a request cannot send it again later; the delivery's id is the same for
    each try, so that a receiver can leave out what it has had.

    :param timestamp: seconds since 1970.
    """
    signed = f"{delivery}.{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, sha256).hexdigest()}"
