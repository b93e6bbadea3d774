"""What a process under a start can no longer do with the image's files, compared with who the image declares."""

from __future__ import annotations

from scanner.domain.capabilities import decode
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import NOT_READ
from scanner.domain.files import FileFacts, NodeKind, PrivilegedFile, Tree, absolute
from scanner.domain.identity import Identity
from scanner.domain.permissions import Access, Process, allows
from scanner.domain.start import Start
from scanner.platforms.user_namespaces import unmapped
from scanner.whatif.answer import Consequences, PathUse, Privileges, Started, TreeLoss
from scanner.whatif.attempt import bounding_of, once_executed, program_use, tenant_of
from scanner.whatif.paths import Tenant, path_uses
from scanner.whatif.trees import tree_losses

_SETUID_OR_SETGID = 0o6000
_MOST_NAMED = 10


def consequences_of(facts: ImageFacts, started: Started) -> Consequences | None:
    """Compare both identities; ``None`` where the container does not start."""
    identity, declared = started.identity, started.declared_identity
    if identity is None:
        return None
    if facts.files is None:
        return Consequences(program=program_use(facts, started), unknown=(NOT_READ,))
    now = _acting(facts, identity, started.start)
    before = None if declared is None else _acting(facts, declared, Start(started.start.by))
    uses = list(path_uses(facts.config, facts.files, now, before))
    trees = _without_mounted(facts, started.start)
    losses = [] if before is None else list(tree_losses(facts.files, trees, now.process, before.process))
    program = program_use(facts, started)
    unknown = [text for text in (*uses, *losses) if isinstance(text, str)]
    if program is not None and program.unknown:
        unknown.append(program.unknown)
    unknown += _foreign(facts, started.start)
    if started.start.drop_capabilities and facts.files.privileged_total > len(facts.files.privileged):
        unknown.append(_not_all(facts.files))
    return Consequences(
        tuple(use for use in uses if isinstance(use, PathUse)),
        tuple(loss for loss in losses if isinstance(loss, TreeLoss)),
        program,
        _privileges(facts.files, started.start, now.process),
        tuple(unknown),
        tuple(_assumptions(facts, started.start, now)),
    )


def _acting(facts: ImageFacts, identity: Identity, start: Start) -> Tenant:
    return once_executed(facts, tenant_of(identity, start), start)


def _foreign(facts: ImageFacts, start: Start) -> list[str]:
    place = None if start.user_namespace is None else unmapped(facts, start.user_namespace)
    if place is None:
        return []
    owner = f"{place.path} belongs to {place.node.uid}:{place.node.gid}"
    return [f"{owner}, which no id of the user namespace is; what the process may do with such files is not known."]


def _not_all(files: FileFacts) -> str:
    kept, total = len(files.privileged), files.privileged_total
    return f"Of {total:,} privileged programs {kept:,} are kept, so others may stop for want of capabilities."


def _without_mounted(facts: ImageFacts, start: Start) -> list[Tree]:
    """The trees a process sees: a volume the pod mounts hides what the image has there."""
    files = facts.files or FileFacts()
    volumes = facts.config.volumes if start.fs_group is not None else ()
    walks = [(files.walk(path), path) for path in volumes]
    mounted = [absolute(path) if walk is None else walk.resolved for walk, path in walks]
    return [tree for tree in files.trees if not any(_inside(tree.path, path) for path in mounted)]


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _privileges(files: FileFacts, start: Start, process: Process) -> Privileges:
    special = [file.place for file in files.privileged if file.place.node.mode & _SETUID_OR_SETGID]
    inert = [place.path for place in special if place.node.kind is NodeKind.FILE] if start.no_new_privileges else []
    stopped = [
        file.place.path
        for file in files.privileged
        if _stops_exec(file, bounding_of(start))
        and not _stops_exec(file, bounding_of(Start(start.by)))
        and allows(file.place.node, process, Access.EXECUTE)
    ]
    return Privileges(tuple(inert[:_MOST_NAMED]), len(inert), tuple(stopped[:_MOST_NAMED]))


def _stops_exec(file: PrivilegedFile, bounding: frozenset[str]) -> bool:
    return bool(file.capability) and decode(file.capability).stops_exec(bounding)


def _assumptions(facts: ImageFacts, start: Start, now: Tenant) -> list[str]:
    said = []
    if now.process.uid != now.identity.uid:
        said.append(f"The command is a setuid program and acts as uid {now.process.uid}.")
    if facts.config.volumes and start.fs_group is not None:
        said.append(
            "The pod mounts a volume at each VOLUME of the image, of a kind that takes an fsGroup: it belongs to "
            f"group {start.fs_group}, which may write it."
        )
    elif facts.config.volumes:
        said.append("Nothing is mounted at the VOLUMEs of the image; a mounted volume has owners of its own.")
    if not (facts.config.entrypoint or facts.config.cmd):
        said.append("The image has no command; the one given at the start can be executed.")
    return said
