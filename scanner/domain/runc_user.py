"""What runc 1.1 and older does with the ids it is given: it looks them up once more.

It turns the ids into the string ``uid:gid`` and resolves it inside the container once more. So an id that came
out of an account file beyond 2147483647 is refused unless a line holds exactly that id; and a supplementary gid is
looked up **by name as well**: with a group line ``1001:x:0:`` every process with gid 1001 is in the root group too.
"""

from __future__ import annotations

from collections.abc import Iterator

from scanner.domain import accounts
from scanner.domain.accounts import AccountBytes, GroupEntry
from scanner.domain.derivation import StartRefused, Trail
from scanner.domain.exec_user import GROUP, OUT_OF_RANGE
from scanner.domain.user_spec import MAX_ID

SETUP = "unable to setup user"
"""How runc 1.1 begins what it says when it cannot take an identity."""


def recheck(uid: int, gid: int, files: AccountBytes) -> None:
    """Refuse ids as runc 1.1 does: out of range, unless an account line holds exactly that id.

    :raises StartRefused: in runc's words.
    """
    if uid > MAX_ID and (files.passwd is None or accounts.first_user_with_uid(files.passwd, uid) is None):
        raise StartRefused(f"{SETUP}: {OUT_OF_RANGE}")
    if gid > MAX_ID and (files.group is None or accounts.first_group_with_gid(files.group, gid) is None):
        raise StartRefused(f"{SETUP}: {OUT_OF_RANGE}")


def additional_groups(wanted: tuple[int, ...], group: bytes | None, trail: Trail) -> tuple[int, ...]:
    """Resolve gids as strings, by gid or by name, as ``GetAdditionalGroups`` of runc 1.1 does.

    :raises StartRefused: for a gid out of range that no line holds.
    """
    texts = tuple(str(gid) for gid in wanted)
    candidates = _candidates(set(texts), group)
    found: dict[int, None] = {}
    for text in texts:
        # A gid that is in the set already counts as not found there, and is then taken as it is. It stays in the set,
        # so each line is looked at once in all.
        line = next((line for line in candidates[text] if line.gid not in found), None)
        if line is not None:
            _tell_hidden_group(text, line, trail)
            found[line.gid] = None
        elif int(text) > MAX_ID:
            raise StartRefused(f"{SETUP}: {OUT_OF_RANGE}")
        else:
            found[int(text)] = None
    return tuple(found)


def _candidates(texts: set[str], group: bytes | None) -> dict[str, Iterator[GroupEntry]]:
    """For each text the lines that have it as name or gid, in file order."""
    found: dict[str, list[GroupEntry]] = {text: [] for text in texts}
    for line in accounts.group_entries(group) if group is not None else ():
        for text in {line.name, str(line.gid)} & texts:
            found[text].append(line)
    return {text: iter(lines) for text, lines in found.items()}


def _tell_hidden_group(text: str, line: GroupEntry, trail: Trail) -> None:
    if str(line.gid) != text:
        told = f"line {line.line} of {GROUP} has the name {text}, which runc takes for gid {text}: adds gid {line.gid}"
        trail.show(told, GROUP, line.line, line.text)
