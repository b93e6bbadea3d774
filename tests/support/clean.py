"""Facts about an image no rule has anything to say about, besides who it runs as."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.domain.facts import ImageFacts
from scanner.domain.files import Tree
from tests.support.facts import APP, APP_GROUP, Content, facts
from tests.support.file_facts import House, command

_FOLDER, _SHARED, _FILE = (0o755, 0, 0), (0o775, 0, 0), (0o644, 0, 0)
_HOUSE = House(
    {
        **dict.fromkeys(("/home/", "/bin/", "/etc/"), _FOLDER),
        **dict.fromkeys(("/home/app/", "/srv/"), _SHARED),
        **dict.fromkeys(("/etc/passwd", "/etc/group"), _FILE),
        "/bin/server": _FOLDER,
    }
)
# With an account for the uid that tests of policies take, so that what runs it does not matter.
_ACCOUNTS = APP + "ten:x:10001:0::/home/app:/bin/sh\n"
PEOPLE = (
    APP + "ten:x:10001:10001::/home/app:/bin/sh\n"
    "zero:x:10002:0::/home/app:/bin/sh\n"
    "twenty:x:20001:20001::/home/app:/bin/sh\n"
)
_WALKED = ("/home/app", "/srv", "/bin", "/etc/passwd", "/etc/group", "/etc/shadow")
_EMPTY = (Tree("/srv", (), 0), Tree("/home/app", (), 0))
_FILES = _HOUSE.facts(*_WALKED, trees=_EMPTY, command=command(_HOUSE.program("/bin/server")))


def clean(
    user: str, passwd: Content = PEOPLE, *, versions: Sequence[Content] = (), home: str = "/home/app"
) -> ImageFacts:
    """An image that any uid of group 0 can run.

    :param home: ``/bin`` for one that group 0 may not write.
    """
    env = (f"HOME={home}",)
    return facts(user, passwd, APP_GROUP, versions=versions, env=env, working_dir="/srv", files=_FILES)
