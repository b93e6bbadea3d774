"""What a process can do at the paths an image promises: HOME, WORKDIR, VOLUMEs, the folders for temporary files.

What a runtime does to them when it starts counts too: it makes a missing WORKDIR as root with mode 0755; a missing
VOLUME the same, but CRI-O gives it to the process. A volume that a pod with an fsGroup mounts belongs to that group.
And it goes to WORKDIR while it is still root, so a process that could not get there finds itself there all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from scanner.domain.files import FileFacts, Node, NodeKind, Place, Walk, WalkState, absolute
from scanner.domain.identity import Identity
from scanner.domain.image_config import ImageConfig
from scanner.domain.permissions import Access, Denied, Process, denied
from scanner.domain.start import StartedBy
from scanner.whatif.answer import PathUse, Role

TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108  # paths of the image, not of this host
NOTHING = Access(0)
_ACCESSES = (Access.READ, Access.WRITE, Access.EXECUTE)
_CREATED_MODE = 0o755
_VOLUME_MODE = 0o2775


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who uses the paths, and what the runtime prepares for them.

    :param volume_group: the pod's fsGroup, where it has one.
    """

    identity: Identity
    process: Process
    by: StartedBy
    volume_group: int | None = None


@dataclass(frozen=True, slots=True)
class _Image:
    """:param made: WORKDIR and VOLUMEs, which runtimes make where they are missing, with the folders above them."""

    files: FileFacts
    made: tuple[str, ...]

    def is_made(self, path: str) -> bool:
        """Whether a missing folder is there once the container runs."""
        below = f"{absolute(path).rstrip('/')}/"
        return any(f"{made}/".startswith(below) for made in self.made)


def path_uses(config: ImageConfig, files: FileFacts, now: Tenant, before: Tenant | None) -> Iterator[PathUse | str]:
    """Every promised path, once for each role; a sentence in place of one that nobody looked at.

    :param before: who the image declares; ``None`` where that does not start.
    """
    image = _Image(files, tuple(absolute(path) for path in (config.working_dir or "/", *config.volumes)))
    for role, path, before_path in _paths(config, now, before):
        if not path.startswith("/"):
            yield f"HOME is {path!r}, which is no absolute path." if path else "HOME is empty."
            continue
        use = _use(image, role, path, now)
        earlier = NOTHING if before is None else _earlier(image, role, before_path, before)
        if use is None or earlier is None:
            yield f"What stands at {path if use is None else before_path} was not looked at."
            continue
        yield replace(use, before=earlier, before_path=before_path)


def _paths(config: ImageConfig, now: Tenant, before: Tenant | None) -> Iterator[tuple[Role, str, str]]:
    home = now.identity.home
    yield Role.HOME, home, home if before is None else before.identity.home
    fixed = [(Role.WORKING_DIR, config.working_dir or "/")]
    fixed += [(Role.VOLUME, path) for path in config.volumes]
    fixed += [(Role.TEMPORARY, path) for path in TEMPORARY]
    for role, path in fixed:
        yield role, absolute(path), absolute(path)


def _earlier(image: _Image, role: Role, path: str, tenant: Tenant) -> Access | None:
    if not path.startswith("/"):
        return NOTHING
    use = _use(image, role, path, tenant)
    return None if use is None else use.now


def _use(image: _Image, role: Role, path: str, tenant: Tenant) -> PathUse | None:
    walk = image.files.walk(path)
    if walk is None:
        return None
    prepared = _prepared(role, walk, tenant)
    if walk.state is WalkState.MISSING and prepared is walk and image.is_made(path):
        prepared = _with_folder(walk, Node(NodeKind.FOLDER, _CREATED_MODE, 0, 0))
    way = replace(prepared, through=()) if role is Role.WORKING_DIR else prepared
    refusals = _refusals(way, tenant.process)
    can = NOTHING
    for access in _ACCESSES:
        can |= NOTHING if access in refusals else access
    return PathUse(role, path, path, can, NOTHING, refusals, created=prepared is not walk)


def _refusals(walk: Walk, process: Process) -> Mapping[Access, Denied]:
    found: dict[Access, Denied] = {}
    for access in _ACCESSES:
        # Nothing is made in a folder that cannot be searched.
        wanted = access | Access.EXECUTE if access is Access.WRITE and _is_folder(walk) else access
        refused = denied(walk, process, wanted)
        if refused is not None:
            found[access] = refused
    return found


def _is_folder(walk: Walk) -> bool:
    return walk.place is not None and walk.place.node.kind is NodeKind.FOLDER


def _prepared(role: Role, walk: Walk, tenant: Tenant) -> Walk:
    """The walk as it goes once the runtime has made and mounted what it makes and mounts."""
    if role is Role.VOLUME and tenant.volume_group is not None:
        return _with_folder(walk, Node(NodeKind.FOLDER, _VOLUME_MODE, 0, tenant.volume_group))
    if walk.state is not WalkState.MISSING or role not in (Role.WORKING_DIR, Role.VOLUME):
        return walk
    if role is Role.VOLUME and tenant.by is StartedBy.CRIO:
        return _with_folder(walk, Node(NodeKind.FOLDER, _CREATED_MODE, tenant.identity.uid, tenant.identity.gid))
    return _with_folder(walk, Node(NodeKind.FOLDER, _CREATED_MODE, 0, 0))


def _with_folder(walk: Walk, node: Node) -> Walk:
    return replace(walk, state=WalkState.FOUND, place=Place(walk.path, node))
