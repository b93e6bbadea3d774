"""What is kept of an image's files: gathered once, while its layers are at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from scanner.domain.accounts import first_user_named, first_user_with_uid, passwd_entries
from scanner.domain.facts import GROUP, PASSWD, SHADOW
from scanner.domain.files import EntryPoint, FileFacts, NodeKind, Tree, Walk, WalkState, absolute
from scanner.domain.image_config import ImageConfig
from scanner.domain.system_folders import is_system_folder, lies_in_system
from scanner.filesystem.entry_point import entry_point
from scanner.filesystem.inventory import highest_owners, inventory, sudoers
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.tree_classes import MOST_ENTRIES, tree_below
from scanner.filesystem.walker import Walker, bytes_path

_ALWAYS = ("/", "/tmp", "/var/tmp", "/run", PASSWD, GROUP, SHADOW)  # noqa: S108  # paths of the image, not of this host
_MOST_HOMES = 64
_MOST_VOLUMES = 256
_LINES_READ = 4_096
_PLAIN_UID = re.compile("[0-9]{0,10}")
_MOST_TREES = 32
MOST_ENTRIES_OF_ALL = 400_000


def file_facts(rootfs: RootFs, config: ImageConfig, passwd: bytes | None) -> FileFacts:
    """Gather them.

    :param passwd: as a runtime reads it; ``None`` for a missing file.
    :raises ImageProblem: ``bad-link`` for a hard link to nothing.
    :raises LimitExceeded: ``path_steps`` where the tree is too large to be searched.
    """
    walker = Walker(rootfs)
    own = list(_own_homes(config, passwd or b""))
    others = (entry.home for entry in islice(passwd_entries(passwd or b""), _LINES_READ) if entry.home)
    homes = islice(dict.fromkeys((*own, *others)), _MOST_HOMES)
    volumes = config.volumes[:_MOST_VOLUMES]
    paths = [*_ALWAYS, config.working_dir, *homes, *volumes]
    walks = {path: walker.walk(path) for path in dict.fromkeys(map(absolute, paths))}
    started = entry_point(walker, config)
    listed = inventory(walker)
    uid, gid = highest_owners(rootfs)
    declared = [walks[absolute(path)] for path in (config.working_dir, *own, *volumes)]
    return FileFacts(
        walks=walks,
        trees=_trees(walker, declared, started),
        entry_point=started,
        privileged=listed.privileged,
        privileged_total=listed.privileged_total,
        world_writable=listed.world_writable,
        world_writable_total=listed.world_writable_total,
        sudoers=sudoers(walker),
        highest_uid=uid,
        highest_gid=gid,
        tools=listed.tools,
    )


def _trees(walker: Walker, declared: Iterable[Walk], started: EntryPoint | None) -> tuple[Tree, ...]:
    folders = [walk.resolved for walk in declared if _is_folder(walk) and not is_system_folder(walk.resolved)]
    for program in started.candidates[:1] if started else ():
        above = program.walk.resolved.rpartition("/")[0]
        if program.walk.state is WalkState.FOUND and not lies_in_system(above):
            folders.append(above)
    trees: list[Tree] = []
    left = MOST_ENTRIES_OF_ALL
    for folder in islice(dict.fromkeys(folders), _MOST_TREES):
        trees.append(tree_below(walker, bytes_path(folder), entries=min(left, MOST_ENTRIES)))
        left -= trees[-1].entries
    return tuple(trees)


def _is_folder(walk: Walk) -> bool:
    return walk.place is not None and walk.place.node.kind is NodeKind.FOLDER


def _own_homes(config: ImageConfig, passwd: bytes) -> Iterator[str]:
    """HOME of the environment and the homes of the account USER names."""
    declared = config.environment("HOME")
    if declared:
        yield declared
    user = config.user.partition(":")[0]
    if _PLAIN_UID.fullmatch(user):
        entry = first_user_with_uid(passwd, int(user or "0"))
    else:
        entry = first_user_named(passwd, user)
    # A runtime that has found the account by name looks for its home by uid, and two accounts may share one.
    same = first_user_with_uid(passwd, entry.uid) if entry is not None else None
    yield from (one.home for one in (same, entry) if one is not None and one.home)
