"""HOME, and what else of an image's config counts when a runtime works out an identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.domain.accounts import first_user_with_uid
from scanner.domain.derivation import Trail

FROM_ENVIRONMENT = "from the image's environment"
_HOME = "HOME="


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around USER in the config.

    :param home: HOME of the environment, the last one where it has several; ``None`` where it has none.
    :param working_dir: where a process starts: WORKDIR, ``/`` without one.
    """

    home: str | None = None
    working_dir: str = "/"


def surroundings(env: Sequence[str], working_dir: str) -> Surroundings:
    """Pick what counts out of the environment (``NAME=value``)."""
    homes = [item for item in env if item.startswith(_HOME)]
    return Surroundings(homes[-1].removeprefix(_HOME) if homes else None, working_dir or "/")


def home_of(uid: int, passwd: bytes | None) -> str:
    """The home of the first passwd line with that uid, which may be empty; ``/`` without a line or a file."""
    entry = first_user_with_uid(passwd, uid) if passwd is not None else None
    return "/" if entry is None else entry.home


def runc_home(uid: int, passwd: bytes | None, around: Surroundings, trail: Trail) -> str:
    """HOME as runc sets it: an empty one in the environment counts as none.

    Source: runc ``prepareEnv`` and ``getUserHome``, which look by uid and not by name.
    """
    if around.home:
        trail.say(f"HOME is {around.home}, {FROM_ENVIRONMENT}")
        return around.home
    home = home_of(uid, passwd)
    trail.say(f'HOME is "{home}", from the first line of /etc/passwd with uid {uid}, or "/" without one')
    return home
