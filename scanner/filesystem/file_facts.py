"""What is kept of an image's files: gathered once, while its layers are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from scanner.domain.accounts import first_user_named, first_user_with_uid, passwd_entries
from scanner.domain.facts import GROUP, PASSWD, SHADOW
from scanner.domain.files import FileFacts, absolute
from scanner.domain.image_config import ImageConfig
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.walker import Walker

_ALWAYS = ("/", "/tmp", "/var/tmp", "/run", PASSWD, GROUP, SHADOW)  # noqa: S108  # paths of the image, not of this host
_MOST_HOMES = 64
_MOST_VOLUMES = 256
_LINES_READ = 4_096


def file_facts(rootfs: RootFs, config: ImageConfig, passwd: bytes | None) -> FileFacts:
    """Gather them.

    :param passwd: as a runtime reads it; ``None`` for a missing file.
    :raises ImageProblem: ``bad-link`` for a hard link to nothing.
    :raises LimitExceeded: ``path_steps`` where the tree is too large to be searched.
    """
    walker = Walker(rootfs)
    homes = list(islice(dict.fromkeys(_homes(config, passwd or b"")), _MOST_HOMES))
    paths = [*_ALWAYS, config.working_dir, *homes, *config.volumes[:_MOST_VOLUMES]]
    walks = {path: walker.walk(path) for path in dict.fromkeys(map(absolute, paths))}
    return FileFacts(walks=walks)


def _homes(config: ImageConfig, passwd: bytes) -> Iterator[str]:
    yield config.environment("HOME") or "/"
    name = config.user.partition(":")[0]
    own = first_user_named(passwd, name or "root")
    if name.isascii() and name.isdigit() and len(name) <= len("4294967295"):
        own = first_user_with_uid(passwd, int(name))
    if own is not None and own.home:
        yield own.home
    yield from (entry.home for entry in islice(passwd_entries(passwd), _LINES_READ) if entry.home)
