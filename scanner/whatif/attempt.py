"""A start up to the moment the image's command runs."""

from __future__ import annotations

from dataclasses import replace

from scanner.domain.capabilities import DOCKER_DEFAULT, NO_CAPABILITIES
from scanner.domain.execution import SETUID, execute, machine_code
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import Identity
from scanner.domain.permissions import Process
from scanner.domain.preparation import obstacle
from scanner.domain.start import Start, StartedBy
from scanner.whatif.answer import Attempt, ProgramUse, Started
from scanner.whatif.identity import started_as
from scanner.whatif.paths import Tenant
from scanner.whatif.refusals import RESTRICTED_V2


def attempt(facts: ImageFacts, start: Start, constraint: str = RESTRICTED_V2) -> Attempt:
    """Start the image.

    :param constraint: OpenShift's, which a refusal names.
    """
    started = started_as(facts, start, constraint)
    return Attempt(started, program_use(facts, started))


def tenant_of(identity: Identity, start: Start) -> Tenant:
    """An identity as the kernel sees it, with what a start prepares for it."""
    gids = frozenset((identity.gid, *identity.groups))
    overrides = identity.uid == 0 and not start.drop_capabilities
    return Tenant(identity, Process(identity.uid, gids, overrides), start.by, start.fs_group)


def once_executed(facts: ImageFacts, tenant: Tenant, start: Start) -> Tenant:
    """The same once the command runs: one with setuid acts as its owner, one with setgid in its group."""
    files = facts.files
    if files is None or files.entry_point is None or start.no_new_privileges:
        return tenant
    program = machine_code(files.entry_point, execute(facts, tenant.process, bounding_of(start)))
    if program is None or program.walk.place is None:
        return tenant
    node, process = program.walk.place.node, tenant.process
    uid = node.uid if node.mode & SETUID else process.uid
    # Without the execute bit of the group, setgid means something else.
    gids = process.gids | {node.gid} if node.mode & _SETGID == _SETGID else process.gids
    return replace(tenant, process=Process(uid, gids, overrides=uid == 0 and not start.drop_capabilities))


_SETGID = 0o2010


def bounding_of(start: Start) -> frozenset[str]:
    """The capabilities a process can ever have: what the engine gives without settings, unless all are dropped."""
    return NO_CAPABILITIES if start.drop_capabilities else _BOUNDING[start.by]


_PODMAN_DROPS = frozenset({"cap_net_raw", "cap_mknod", "cap_audit_write"})
_CRIO_DROPS = _PODMAN_DROPS | {"cap_setfcap", "cap_sys_chroot"}
_BOUNDING = {
    StartedBy.DOCKER: DOCKER_DEFAULT,
    StartedBy.KUBERNETES: DOCKER_DEFAULT,
    StartedBy.PODMAN: DOCKER_DEFAULT - _PODMAN_DROPS,
    StartedBy.CRIO: DOCKER_DEFAULT - _CRIO_DROPS,
}
"""Sources: moby ``oci/caps/defaults.go``, containers-common ``config/default.go``, CRI-O ``capabilities_linux.go``."""


def program_use(facts: ImageFacts, started: Started) -> ProgramUse | None:
    """Whether the command is executed; ``None`` for an image without one, and where it does not get so far."""
    identity, declared = started.identity, started.declared_identity
    if identity is None:
        return None
    unprepared = obstacle(facts)
    if unprepared is not None:
        return ProgramUse(unprepared.path, unprepared.said, unprepared.said)
    if not (facts.config.entrypoint or facts.config.cmd):
        return None
    found = execute(facts, tenant_of(identity, started.start).process, bounding_of(started.start))
    before = None
    if declared is not None:
        bare = Start(started.start.by)
        before = execute(facts, tenant_of(declared, bare).process, bounding_of(bare)).problem
    return ProgramUse(found.program, found.problem or None, before or None, found.unknown)
