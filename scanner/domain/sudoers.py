"""The language of ``/etc/sudoers``, as far as it says who needs no password.

::

    User_Alias ADMINS = app, %wheel : OPS = #1001
    Defaults:app !authenticate
    ADMINS, !bob  ALL = (ALL : ALL) SETENV: NOPASSWD: ALL, PASSWD: /bin/su : other = /bin/ls
    @includedir /etc/sudoers.d

Source: sudoers(5) and sudo's own lexer. A backslash joins lines and takes away a character's meaning; ``#`` starts a
comment unless a number follows it, which makes it a uid; a tag holds for the rest of its list. A line that cannot be
read is skipped, as sudo does since 1.9.3, and remembered where it may have granted something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from scanner.domain.accounts import decode
from scanner.domain.sudoers_words import Tokens, Unreadable, logical_lines, plain

_TAGS = re.compile(
    r"(?:NO)?(?:PASSWD|EXEC|FOLLOW|LOG_INPUT|LOG_OUTPUT|MAIL|INTERCEPT|SETENV)\Z",
)
_OPTIONS = frozenset(
    ("ROLE", "TYPE", "APPARMOR_PROFILE", "PRIVS", "LIMITPRIVS", "CWD", "CHROOT", "TIMEOUT", "NOTBEFORE", "NOTAFTER")
)
_ALIAS_LINE = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\b")
_ALIAS = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_DEFAULTS = re.compile(r"Defaults(?=$|[\s:@>!])([:@>!]?)")
_INCLUDE = re.compile(r"[@#](include(?:dir)?)[ \t]+(\S.*)")
_NUMBER = re.compile(r"-?[0-9]{1,10}\Z")
_DIGEST = re.compile(r"sha(?:224|256|384|512)\Z")


class MemberKind(Enum):
    """What a word of a user list names."""

    ALL = "ALL"
    NAME = "name"
    UID = "uid"
    GROUP = "group"
    GID = "gid"
    ALIAS = "alias"
    ELSEWHERE = "elsewhere"  # netgroups and groups of plugins, which no image has


@dataclass(frozen=True, slots=True)
class Member:
    """One word of a user list."""

    kind: MemberKind
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One item of a command list.

    :param password: ``False`` under NOPASSWD, ``True`` under PASSWD, ``None`` without either.
    :param runas: whom it may be run as; empty for root.
    """

    text: str
    password: bool | None
    runas: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class UserSpec:
    """Who may run what."""

    line: int
    text: str
    users: tuple[Member, ...]
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A ``Defaults`` line that is about passwords.

    :param scope: the sign behind ``Defaults``: ``""``, ``:`` users, ``@`` hosts, ``>`` target users, ``!`` commands.
    :param authenticate: ``False`` for ``!authenticate``; ``None`` where the line says nothing of it.
    """

    line: int
    text: str
    scope: str
    users: tuple[Member, ...] = ()
    authenticate: bool | None = None
    exempt_group: str | None = None


@dataclass(frozen=True, slots=True)
class Include:
    """``@include`` or ``@includedir``, in either spelling."""

    line: int
    path: str
    folder: bool


@dataclass(frozen=True, slots=True)
class Sudoers:
    """One file.

    :param entries: user specifications and includes in order, because the last match counts.
    :param doubtful: lines that could not be read and speak of passwords.
    """

    entries: tuple[UserSpec | Include, ...] = ()
    settings: tuple[Setting, ...] = ()
    aliases: tuple[tuple[str, tuple[Member, ...]], ...] = ()
    doubtful: tuple[int, ...] = ()


@lru_cache(maxsize=128)
def parse_sudoers(content: bytes) -> Sudoers:
    """Read one file; bounded by its size, which whoever gathers it limits."""
    found = _Reading()
    for number, line in logical_lines(decode(content)):
        try:
            found.take(number, line)
        except Unreadable:
            if "NOPASSWD" in line or "authenticate" in line:
                found.doubtful.append(number)
    return Sudoers(tuple(found.entries), tuple(found.settings), tuple(found.aliases), tuple(found.doubtful))


@dataclass
class _Reading:
    entries: list[UserSpec | Include] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    aliases: list[tuple[str, tuple[Member, ...]]] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)

    def take(self, number: int, line: str) -> None:
        include = _INCLUDE.match(line)
        if include:
            path = include[2].strip()
            self.entries.append(Include(number, plain(path), include[1] == "includedir"))
            return
        alias, defaults = _ALIAS_LINE.match(line), _DEFAULTS.match(line)
        if alias:
            if alias[1] == "User":
                self.aliases.extend(_user_aliases(Tokens(line[alias.end() :])))
        elif defaults:
            setting = _setting(number, line, defaults[1], line[defaults.end() :])
            self.settings.extend([setting] if setting else [])
        else:
            tokens = Tokens(line)
            if not tokens.at_end:
                self.entries.append(_user_spec(number, line, tokens))


def _members(tokens: Tokens) -> tuple[Member, ...]:
    """A list with commas; it ends where a word follows a word."""
    found = [_member(tokens)]
    while tokens.skip(","):
        found.append(_member(tokens))
    return tuple(found)


def _member(tokens: Tokens) -> Member:
    negated = False
    while tokens.skip("!"):
        negated = not negated
    word = tokens.word()
    if word in ("%", "+") or word.startswith('%"'):
        # ``%:group`` comes as a sign, a mark and a word: a group of some directory service.
        raise Unreadable("a sign without a name")
    kind, value = _kind(plain(word), quoted='"' in word)
    return Member(kind, value, negated)


def _kind(word: str, *, quoted: bool) -> tuple[MemberKind, str]:
    if word == "ALL":
        return MemberKind.ALL, word
    if word.startswith("%#") and _NUMBER.match(word[2:]):
        return MemberKind.GID, word[2:]
    if word.startswith("%"):
        return MemberKind.GROUP, word[1:]
    if word.startswith("+"):
        return MemberKind.ELSEWHERE, word
    if word.startswith("#") and _NUMBER.match(word[1:]):
        return MemberKind.UID, word[1:]
    if _ALIAS.match(word) and not quoted:
        return MemberKind.ALIAS, word
    return MemberKind.NAME, word


def _user_aliases(tokens: Tokens) -> Iterator[tuple[str, tuple[Member, ...]]]:
    while True:
        name = tokens.word()
        if not tokens.skip("="):
            raise Unreadable("an alias without =")
        yield name, _members(tokens)
        if not tokens.skip(":"):
            return


def _setting(number: int, line: str, scope: str, rest: str) -> Setting | None:
    tokens = Tokens(rest)
    users = _members(tokens) if scope else ()
    authenticate: bool | None = None
    exempt: str | None = None
    while not tokens.at_end:
        negated = tokens.skip("!")
        name = tokens.word()
        value = _value(tokens)
        if name == "authenticate":
            authenticate = not negated
        elif name == "exempt_group" and value and not negated:
            exempt = value
        if not tokens.at_end and not tokens.skip(","):
            raise Unreadable("settings without a comma between them")
    if authenticate is None and exempt is None:
        return None
    return Setting(number, line, scope, users if scope == ":" else (), authenticate, exempt)


def _value(tokens: Tokens) -> str | None:
    """What stands behind ``=``, ``+=`` or ``-=``."""
    sign = tokens.peek()
    if sign is not None and sign.is_word and sign.text in ("+", "-"):
        tokens.next()
    if not tokens.skip("="):
        return None
    parts = []
    while (token := tokens.peek()) is not None and not (not token.is_word and token.text == ","):
        parts.append(plain(tokens.next().text))
    return "".join(parts)


def _user_spec(number: int, line: str, tokens: Tokens) -> UserSpec:
    users = _members(tokens)
    commands: list[Command] = []
    more = True
    while more:
        # Hosts are not compared: nobody knows what a container will be called.
        _members(tokens)
        if not tokens.skip("="):
            raise Unreadable("no = behind the hosts")
        commands += _commands(tokens)
        more = tokens.skip(":")
    if not tokens.at_end:
        raise Unreadable("something behind the commands")
    return UserSpec(number, line, users, tuple(commands))


def _commands(tokens: Tokens) -> Iterator[Command]:
    password: bool | None = None
    runas: tuple[str, ...] = ()
    while True:
        if tokens.skip("("):
            runas = _runas(tokens)
        while tokens.is_word_then("=") and _word_at(tokens) in _OPTIONS:
            tokens.next()
            _value_of_option(tokens)
        while tokens.is_word_then(":") and _TAGS.match(_word_at(tokens)):
            tag = tokens.word()
            tokens.skip(":")
            password = tag == "PASSWD" if tag.endswith("PASSWD") else password
        negated = False
        while tokens.skip("!"):
            negated = not negated
        yield Command(_command(tokens), password, runas, negated)
        if not tokens.skip(","):
            return


def _word_at(tokens: Tokens) -> str:
    token = tokens.peek()
    return "" if token is None else token.text


def _value_of_option(tokens: Tokens) -> None:
    tokens.skip("=")
    tokens.word()


def _runas(tokens: Tokens) -> tuple[str, ...]:
    """Users of ``(users : groups)``; groups alone keep the user's own id, which is written ``:``."""
    users: list[str] = []
    in_groups = False
    while not tokens.skip(")"):
        token = tokens.next()
        if token.text == ":" and not token.is_word:
            in_groups = True
        elif token.is_word and not in_groups:
            users.append(plain(token.text))
    return tuple(users) or (":",)


def _command(tokens: Tokens) -> str:
    words: list[str] = []
    while (token := tokens.peek()) is not None:
        if not token.is_word and token.text == ",":
            break
        if not token.is_word and token.text == ":" and not (words and _DIGEST.match(words[-1])):
            break
        words.append(tokens.next().text)
    if not words:
        raise Unreadable("a list without a command")
    return " ".join(words)
