"""What USER says and what the account files make of it: the reading the identity rules share.

Rules must not disagree with each other about one image, so each of them asks here. The uid never depends on the
group half of USER, yet Docker refuses to start over a bad group half while Kubernetes drops it and starts. So the uid
is resolved without it: ``USER app:nosuch`` with an ``app`` that is uid 0 is root in disguise, not only a typo.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from scanner.domain.accounts import (
    PASSWD_LINE_BYTES,
    AccountBytes,
    GroupEntry,
    PasswdEntry,
    first_group_named,
    first_user_named,
    first_user_with_uid,
    long_line,
    passwd_entries,
)
from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.identity import Identity, Runtime, StartError, resolve, will_not_start
from scanner.domain.printable import printable
from scanner.domain.resolution import as_docker_starts_it, resolve_facts
from scanner.domain.same_facts import SameFacts
from scanner.domain.user_spec import MAX_ID, NotANumber, OutOfRange, go_text, parse_int64, split_user


class Kind(Enum):
    """What one half of USER is to the runtimes."""

    EMPTY = "empty"
    NUMBER = "number"
    OUT_OF_RANGE = "out of range"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Half:
    """One half of USER.

    :param number: the id where it is a *number*, else ``None``.
    """

    text: str
    kind: Kind
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One image under the current Docker engine.

    :param alone: what the user half resolves to on its own.
    :param answer: what the container starts as, group half included.
    :param entry: the passwd line that decides about the user half, or ``None`` where no line does.
    :param group_entry: the group line a named group half resolves to.
    :param passwd_problem: why ``/etc/passwd`` cannot be read as a runtime would, or ``None``.
    """

    user: Half
    group: Half
    alone: Identity | StartError
    answer: Identity | StartError
    entry: PasswdEntry | None
    group_entry: GroupEntry | None
    passwd_problem: str | None
    group_problem: str | None

    @property
    def uid(self) -> int | None:
        """The uid a process gets, or ``None`` where none can start. Never looks at the group half."""
        return self.alone.uid if isinstance(self.alone, Identity) else None

    @property
    def is_root(self) -> bool:
        """Whether a process gets uid 0 as soon as anything starts it."""
        return self.uid == 0

    @property
    def why_not(self) -> str:
        """Why nothing starts: one sentence."""
        if self.passwd_problem or self.group_problem:
            return f"{self.passwd_problem or self.group_problem}."
        answer = self.alone if isinstance(self.alone, StartError) else self.answer
        message = answer.message if isinstance(answer, StartError) else "nothing is wrong"
        return f"Docker does not start it: {printable(message, longest=500)}."


def read(facts: ImageFacts) -> Reading:
    """Read USER and the account files the way the current Docker engine does."""
    return _read(SameFacts(facts))


# All rules ask about one image before the next one comes; a fleet of 100,000 is judged three times as fast.
@lru_cache(maxsize=4)
def _read(key: SameFacts) -> Reading:
    facts = as_docker_starts_it(key.facts)
    spec = split_user(go_text(facts.config.user))
    user, group = half(spec.user), half(spec.group)
    problem = passwd_problem(facts)
    passwd = None if problem else facts.passwd.as_read()
    groups = facts.group.as_read()
    return Reading(
        user=user,
        group=group,
        alone=StartError(problem) if problem else _alone(facts, spec.user, passwd),
        answer=_settled(resolve_facts(Runtime.DOCKER, facts).answer),
        entry=_deciding_line(passwd, user),
        group_entry=first_group_named(groups, group.text) if groups and group.kind is Kind.NAME else None,
        passwd_problem=problem,
        group_problem=_problem(facts.group),
    )


def _alone(facts: ImageFacts, user: str, passwd: bytes | None) -> Identity | StartError:
    return _settled(resolve(Runtime.DOCKER, user, AccountBytes(passwd, None), facts.config.env).answer)


def _settled(answer: Identity | StartError) -> Identity | StartError:
    return (will_not_start(answer) or answer) if isinstance(answer, Identity) else answer


def half(text: str) -> Half:
    """Say what one half of USER is to Go's ``Atoi``."""
    if not text:
        return Half(text, Kind.EMPTY)
    try:
        number = parse_int64(text.encode("utf-8"))
    except NotANumber:
        return Half(text, Kind.NAME)
    except OutOfRange:
        return Half(text, Kind.OUT_OF_RANGE)
    return Half(text, Kind.NUMBER, number) if 0 <= number <= MAX_ID else Half(text, Kind.OUT_OF_RANGE)


def accounts(file: AccountFile) -> Iterator[PasswdEntry]:
    """Passwd lines, comment lines too; none where the file cannot be read as the runtimes would.

    A stream, because ten megabytes of one-letter lines would be a gigabyte of entries.
    """
    return accounts_of(file.as_read())


def accounts_of(content: bytes | None) -> Iterator[PasswdEntry]:
    """The lines of one version of a passwd file; none where a line is too long for the runtimes."""
    if content is None or long_line(content, PASSWD_LINE_BYTES):
        return iter(())
    return iter(_remembered(content)) if len(content) <= _ORDINARY_BYTES else passwd_entries(content)


# A fleet shares its base images, and with them their account files. A hostile large file is not kept.
_ORDINARY_BYTES = 8 * 1024


@lru_cache(maxsize=256)
def _remembered(content: bytes) -> tuple[PasswdEntry, ...]:
    return tuple(passwd_entries(content))


def passwd_problem(facts: ImageFacts) -> str | None:
    """Why ``/etc/passwd`` cannot be read as a runtime would, or ``None``."""
    if long_line(facts.passwd.as_read() or b"", PASSWD_LINE_BYTES):
        return f"{facts.passwd.path} has a line longer than the runtimes read"
    return _problem(facts.passwd)


def _problem(file: AccountFile) -> str | None:
    if file.state is ReadState.LINK_LOOP:
        return f"{file.path} is a loop of links"
    if file.state is ReadState.TOO_LARGE:
        return f"{file.path} is larger than PLIMSOLL_ACCOUNT_FILE_BYTES lets us read"
    return None


def _deciding_line(passwd: bytes | None, user: Half) -> PasswdEntry | None:
    if passwd is None or user.kind is Kind.OUT_OF_RANGE:
        return None
    if user.kind is Kind.NAME:
        return first_user_named(passwd, user.text)
    return first_user_with_uid(passwd, user.number or 0)
