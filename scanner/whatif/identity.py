"""Who a container is under a start: the settings on top of what the image declares.

::

    docker run -u, Compose user:    replace USER entirely, its group half too
    runAsUser                       replaces USER; the gid comes from /etc/passwd, else 0
    runAsGroup                      replaces the gid; memberships in the image still count …
    supplementalGroupsPolicy        … unless it is Strict
    an OpenShift range              is a runAsUser: its first uid
    a user namespace                shifts ids; those it does not map cannot be taken on

Sources: kubelet ``determineEffectiveSecurityContext``, containerd ``container_create_linux.go``, CRI-O
``setupContainerUser``, moby ``getUser``, runc ``setupUser``.
"""

from __future__ import annotations

from dataclasses import replace

from scanner.domain.facts import ImageFacts
from scanner.domain.identity import (
    Gid,
    Identity,
    Resolution,
    Runtime,
    StartError,
    Step,
    process_groups,
    will_not_start,
)
from scanner.domain.printable import printable
from scanner.domain.resolution import resolve_facts
from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.whatif.answer import HostIds, Started
from scanner.whatif.refusals import RESTRICTED_V2, refusal_of

RUNTIMES = {
    StartedBy.DOCKER: Runtime.DOCKER,
    StartedBy.PODMAN: Runtime.PODMAN,
    StartedBy.KUBERNETES: Runtime.KUBERNETES,
    StartedBy.CRIO: Runtime.CRIO,
}


def started_as(facts: ImageFacts, start: Start, constraint: str = RESTRICTED_V2) -> Started:
    """Work out who the container is, beside who the image says it is.

    :param constraint: OpenShift's, which a refusal names.
    """
    if start.by is not StartedBy.CRIO:
        start = replace(start, openshift_range=None)  # nobody else knows of it; OpenShift's own answer does
    asked, start = start, in_effect(start)
    runtime = RUNTIMES[start.by]
    resolution = _with_groups(start, _user(runtime, facts, start))
    if asked.run_as_user is None and start.openshift_range is not None:
        said = f"OpenShift sets runAsUser to {start.run_as_user}, the first uid of the namespace's range"
        resolution = Resolution(resolution.answer, (Step(said), *resolution.steps))
    resolution, host = _in_namespace(start.user_namespace, _starts(resolution))
    refusal = refusal_of(facts, start, constraint)
    return Started(start, runtime, _starts(resolve_facts(runtime, facts)), resolution, refusal, host)


def in_effect(start: Start) -> Start:
    """A start with what OpenShift's restricted-v2 adds to a pod: uid, fsGroup, no capabilities, no escalation.

    The fsGroup comes from the annotation for groups, which is the range of uids unless an administrator changed it.
    """
    if start.openshift_range is None:
        return start
    first, _ = start.openshift_range
    return replace(
        start,
        run_as_user=first if start.run_as_user is None else start.run_as_user,
        fs_group=first if start.fs_group is None else start.fs_group,
        drop_capabilities=True,
        no_new_privileges=True,
    )


def _user(runtime: Runtime, facts: ImageFacts, start: Start) -> Resolution:
    asked, told = _asked(start)
    if asked is None:
        return resolve_facts(runtime, facts)
    found = resolve_facts(runtime, replace(facts, config=replace(facts.config, user=asked)))
    said = f'{told} {printable(asked, longest=200)} replaces the image\'s USER "{_declared(facts)}" entirely'
    return Resolution(found.answer, (Step(said), *found.steps))


def _asked(start: Start) -> tuple[str | None, str]:
    if start.by in (StartedBy.KUBERNETES, StartedBy.CRIO):
        return None if start.run_as_user is None else str(start.run_as_user), "runAsUser"
    # Docker, Compose and Podman take an empty user for none.
    return start.user or None, "--user"


def _declared(facts: ImageFacts) -> str:
    return printable(facts.config.user, longest=200)


def _with_groups(start: Start, found: Resolution) -> Resolution:
    if isinstance(found.answer, StartError):
        return found
    identity, steps = found.answer, list(found.steps)
    if start.run_as_group is not None:
        steps.append(Step(f"runAsGroup is {start.run_as_group}, so the gid is {start.run_as_group}"))
        identity = replace(identity, gid=Gid(start.run_as_group))
    if not start.merge_groups:
        steps.append(Step("supplementalGroupsPolicy is Strict, so no membership in the image counts"))
        identity = replace(identity, groups=())
    added = _added_groups(start)
    if added:
        steps.append(Step(f"the start adds the groups {', '.join(str(gid) for gid in added)}"))
        identity = replace(identity, groups=(*identity.groups, *(Gid(gid) for gid in added)))
    return Resolution(identity, tuple(steps))


def _added_groups(start: Start) -> tuple[int, ...]:
    own = () if start.fs_group is None else (start.fs_group,)
    return tuple(dict.fromkeys((*start.supplemental_groups, *own)))


def _starts(found: Resolution) -> Resolution:
    refused = will_not_start(found.answer) if isinstance(found.answer, Identity) else None
    return found if refused is None else _stopped(found, refused)


def _stopped(found: Resolution, error: StartError) -> Resolution:
    return Resolution(error, (*found.steps, Step(f"the container does not start: {error.message}")))


def _in_namespace(namespace: UserNamespace | None, found: Resolution) -> tuple[Resolution, HostIds | None]:
    if namespace is None or isinstance(found.answer, StartError):
        return found, None
    identity = found.answer
    groups = process_groups(identity)
    if any(gid >= namespace.size for gid in (identity.gid, *groups)):
        # The primary gid is among the supplementary ones, which are set first.
        return _stopped(found, StartError("setgroups: invalid argument")), None
    if identity.uid >= namespace.size:
        return _stopped(found, StartError(f"cannot setuid to unmapped uid {identity.uid} in user namespace")), None
    host = HostIds(
        namespace.start + identity.uid,
        namespace.start + identity.gid,
        tuple(namespace.start + gid for gid in groups),
    )
    said = f"in the user namespace uid {identity.uid} is uid {host.uid} of the host"
    return Resolution(identity, (*found.steps, Step(said))), host
