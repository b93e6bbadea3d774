"""What sudo lets one user do without a password, from the sudoers files of an image.

The last entry that matches counts, so ``app ALL=(ALL) NOPASSWD: ALL`` above ``%sudo ALL=(ALL) ALL`` still asks an
``app`` in that group. An earlier grant is only taken as gone where a later one surely covers it: what cannot be
decided here (host names, overlapping commands) stays granted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scanner.domain.files import Place, SudoersFile
from scanner.domain.sudoers import Command, Include, Member, MemberKind, Setting, Sudoers, UserSpec, parse_sudoers
from scanner.domain.user_spec import to_uint32

_MAIN = ("/etc/sudoers", "/usr/etc/sudoers", "/usr/local/etc/sudoers")
"""Where sudo looks, the first that is there: Debian, Alpine and RHEL; SUSE; built from source."""

_DEEPEST = 16
_MOST_FILES = 256
_ALL = "ALL"
_ROOT = ("root",)


@dataclass(frozen=True, slots=True)
class SudoUser:
    """Who calls sudo.

    :param names: of the account, in lower case because sudo compares them so; usually one.
    :param in_group: whether a group of that name, however its letters are cased, is one of the user's.
    """

    uid: int
    gids: frozenset[int]
    names: frozenset[str]
    in_group: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Granted:
    """One command that needs no password.

    :param line: with ``text``, the line that says so.
    """

    place: Place
    line: int
    text: str
    command: Command


@dataclass(frozen=True, slots=True)
class Rights:
    """What was found.

    :param settings: lines that switch the question off, where it is off for this user.
    :param doubt: why there may be more; empty where there is not.
    """

    granted: tuple[Granted, ...] = ()
    settings: tuple[tuple[Place, Setting], ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    place: Place
    spec: UserSpec


def without_password(files: Sequence[SudoersFile], user: SudoUser) -> Rights:
    """Grants that hold for a user, in the order of the files."""
    reading = _Files(files)
    main = next((path for path in _MAIN if path in reading.by_path), None)
    if main is None:
        # A linked sudoers is kept under the path its link leads to.
        main = files[0].place.path if files else ""
    if not main:
        return Rights()
    lines = list(reading.read(main, 0))
    matcher = _Matcher(user, dict(reading.aliases))
    granted: list[Granted] = []
    exempt = any(group is not None and user.in_group(group) for group in _exempt_groups(reading.settings))
    asks_nobody = exempt or not _authenticates(reading.settings, matcher)
    for line in lines:
        if matcher.matches(line.spec.users):
            for command in line.spec.commands:
                _apply(granted, line, command, asks_nobody=asks_nobody, exempt=exempt)
    off = tuple(each for each in reading.settings if each[1].authenticate is False or each[1].exempt_group)
    return Rights(tuple(granted), off if granted and asks_nobody else (), reading.doubt)


def _apply(granted: list[Granted], line: _Line, command: Command, *, asks_nobody: bool, exempt: bool) -> None:
    free = exempt or command.password is False or (command.password is None and asks_nobody)
    if free and not command.negated:
        granted.append(Granted(line.place, line.spec.line, line.spec.text, command))
    elif command.text == _ALL:
        # With a password, or not at all: what was granted before for the same target is over.
        granted[:] = [each for each in granted if not _covers(command.runas, each.command.runas)]


def _covers(later: tuple[str, ...], earlier: tuple[str, ...]) -> bool:
    return _ALL in later or (later or _ROOT) == (earlier or _ROOT)


def _exempt_groups(settings: Sequence[tuple[Place, Setting]]) -> Iterator[str | None]:
    return (setting.exempt_group for _, setting in settings)


def _authenticates(settings: Sequence[tuple[Place, Setting]], matcher: _Matcher) -> bool:
    """Whether sudo asks where no tag says anything: the last line that matches, those for targets and commands last."""
    answer = True
    for scopes in _IN_ORDER:
        for _, setting in settings:
            if setting.scope not in scopes or setting.authenticate is None:
                continue
            if setting.scope == ":" and not matcher.matches(setting.users):
                continue
            # For some hosts, targets or commands only: being asked there says nothing of the others.
            if setting.scope in ("", ":") or not setting.authenticate:
                answer = setting.authenticate
    return answer


_IN_ORDER = (("", ":", "@"), (">",), ("!",))


class _Files:
    """Follows includes."""

    def __init__(self, files: Sequence[SudoersFile]) -> None:
        self.by_path: Mapping[str, SudoersFile] = {file.place.path: file for file in files}
        self.aliases: list[tuple[str, tuple[Member, ...]]] = []
        self.settings: list[tuple[Place, Setting]] = []
        self.doubt = ""
        self._left = _MOST_FILES

    def read(self, path: str, depth: int) -> Iterator[_Line]:
        """Entries of a file and of what it includes, in order."""
        file = self.by_path.get(path)
        self._left -= 1
        if file is None or file.content is None or depth > _DEEPEST or self._left < 0:
            why = "was too large to be kept" if file is not None and file.content is None else "was not read"
            self.doubt = self.doubt or f"{path} {why}"
            return
        found = parse_sudoers(file.content)
        self._note(file.place, found)
        for entry in found.entries:
            if isinstance(entry, UserSpec):
                yield _Line(file.place, entry)
            else:
                for included in self._included(entry, path):
                    yield from self.read(included, depth + 1)

    def _note(self, place: Place, found: Sudoers) -> None:
        self.aliases += found.aliases
        self.settings += ((place, setting) for setting in found.settings)
        if found.doubtful and not self.doubt:
            self.doubt = f"line {found.doubtful[0]} of {place.path} cannot be read"

    def _included(self, entry: Include, source: str) -> Iterator[str]:
        path = entry.path if entry.path.startswith("/") else f"{source.rpartition('/')[0]}/{entry.path}"
        path = path.rstrip("/") if entry.folder else path
        if not entry.folder:
            yield path
        elif path in _FOLDERS:
            for name in sorted(self.by_path):
                folder, _, file = name.rpartition("/")
                # A link in the folder is kept under the path it leads to, so it is in no folder of ours: read it too.
                ours = folder == path
                linked = name not in _MAIN and folder not in _FOLDERS
                if (ours and "." not in file and not file.endswith("~")) or linked:
                    yield name
        else:
            self.doubt = self.doubt or f"{path} was not read"


_FOLDERS = frozenset(f"{path}.d" for path in _MAIN)


class _Matcher:
    """Compares user lists with one user."""

    def __init__(self, user: SudoUser, aliases: Mapping[str, tuple[Member, ...]]) -> None:
        self._user = user
        self._aliases = aliases
        self._known: dict[str, bool | None] = {}

    def matches(self, members: Sequence[Member]) -> bool:
        """Whether the list holds the user: its last word that does, decides."""
        return self._decide(members, 0) is True

    def _decide(self, members: Sequence[Member], depth: int) -> bool | None:
        for member in reversed(members):
            held = self._holds(member, depth)
            if held is not None:
                return held is not member.negated
        return None

    def _holds(self, member: Member, depth: int) -> bool | None:
        if member.kind is MemberKind.ALIAS:
            return self._alias(member.value, depth)
        return True if self._is(member) else None

    def _is(self, member: Member) -> bool:
        user, value = self._user, member.value
        match member.kind:
            case MemberKind.ALL:
                return True
            case MemberKind.NAME:
                return value.lower() in user.names
            case MemberKind.UID:
                return to_uint32(int(value)) == user.uid
            case MemberKind.GID:
                return to_uint32(int(value)) in user.gids
            case MemberKind.GROUP:
                return user.in_group(value)
            case _:
                return False

    def _alias(self, name: str, depth: int) -> bool | None:
        if name not in self._aliases:
            # Capitals that are no alias are a name.
            return True if name.lower() in self._user.names else None
        if name not in self._known and depth <= _DEEPEST:
            self._known[name] = None  # an alias that holds itself holds nobody by that
            self._known[name] = self._decide(self._aliases[name], depth + 1)
        return self._known.get(name)
