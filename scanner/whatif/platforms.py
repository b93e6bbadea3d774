"""What each platform answers to a start: the nearest that can be asked of it, in its own words.

====================  ==========================================================================================
asked of              made of the start
====================  ==========================================================================================
Docker, Podman        ``-u`` with runAsUser and runAsGroup
Kubernetes            runAsUser and runAsGroup with the numbers of ``-u``; a pod has no way to name a user
Pod Security          the same, with what *restricted* demands wherever the start does not say the opposite
OpenShift             the same in the namespace's range, or in a usual one; uids 1000 to 65534 for restricted-v3
a user namespace      the same with 65,536 ids, unless the start says how many
====================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from scanner.domain import accounts
from scanner.domain.arbitrary_uid import ARBITRARY_UID
from scanner.domain.facts import ImageFacts
from scanner.domain.printable import quoted
from scanner.domain.start import Start, StartedBy
from scanner.domain.user_spec import NotANumber, OutOfRange, parse_int64, split_user
from scanner.platforms.answer import PlatformAnswer
from scanner.platforms.kubernetes import pod_security_restricted
from scanner.platforms.openshift import RESTRICTED_V3_RANGE, restricted_v2, restricted_v3
from scanner.platforms.starting import starts_as
from scanner.platforms.user_namespaces import POD, USUAL
from scanner.whatif.answer import Attempt
from scanner.whatif.attempt import attempt
from scanner.whatif.refusals import RESTRICTED_V3

USUAL_RANGE = (ARBITRARY_UID, ARBITRARY_UID + 9_999)
"""Taken where no range is given: the size OpenShift gives every namespace, and a number like any other."""

_DAEMON = "Error response from daemon: "


def platform_answers(facts: ImageFacts, start: Start) -> dict[str, PlatformAnswer]:
    """The answers by the names reports use."""
    found = {"docker-run": _told(attempt(facts, _as_run(facts, start, StartedBy.DOCKER)), _DAEMON)}
    found["podman-run"] = _told(attempt(facts, _as_run(facts, start, StartedBy.PODMAN)))
    try:
        pod = _as_pod(start)
    except _NoPod as problem:
        found |= dict.fromkeys(_PODS, PlatformAnswer("unknown", str(problem)))
    else:
        found |= {name: answer(facts, pod) for name, answer in _PODS.items()}
    found["user-namespace"] = _in_namespace(facts, start)
    return found


class _NoPod(ValueError):
    """What was asked of Docker cannot be asked of a pod."""


def _as_run(facts: ImageFacts, start: Start, by: StartedBy) -> Start:
    user = start.user
    if start.run_as_user is not None or start.run_as_group is not None:
        half = split_user(facts.config.user).user if start.run_as_user is None else str(start.run_as_user)
        user = half if start.run_as_group is None else f"{half}:{start.run_as_group}"
    return replace(_without_pod(start), by=by, user=user)


def _without_pod(start: Start) -> Start:
    return replace(
        start, run_as_user=None, run_as_group=None, run_as_non_root=None, fs_group=None, openshift_range=None
    )


def _as_pod(start: Start) -> Start:
    by = start.by if start.by in (StartedBy.KUBERNETES, StartedBy.CRIO) else StartedBy.KUBERNETES
    if not start.user:
        return replace(start, by=by, user=None)
    halves = split_user(start.user)
    uid, gid = _number(halves.user or "0"), _number(halves.group) if halves.group else None
    return replace(start, by=by, user=None, run_as_user=uid, run_as_group=gid)


def _number(text: str) -> int:
    try:
        return parse_int64(accounts.encode(text))
    except (NotANumber, OutOfRange):
        raise _NoPod(f"a pod gives its user and group as numbers, and {quoted(text)} is none") from None


def _run_as_non_root(facts: ImageFacts, pod: Start) -> PlatformAnswer:
    asked = replace(pod, by=StartedBy.KUBERNETES, run_as_non_root=True, openshift_range=None)
    return _told(attempt(facts, asked))


def _pod_security(facts: ImageFacts, pod: Start) -> PlatformAnswer:
    denials = []
    if pod.run_as_non_root is False:
        denials.append("runAsNonRoot != true")
    if pod.run_as_user == 0:
        denials.append("runAsUser=0")
    if denials:
        return PlatformAnswer("refuse", f'violates PodSecurity "restricted:latest": {", ".join(denials)}')
    if _plain(pod):
        return pod_security_restricted(facts)
    asked = replace(pod, run_as_non_root=True, drop_capabilities=True, no_new_privileges=True, openshift_range=None)
    return _told(attempt(facts, replace(asked, by=StartedBy.KUBERNETES)))


def _openshift_v2(facts: ImageFacts, pod: Start) -> PlatformAnswer:
    if _plain(pod) and pod.user_namespace is None:
        return restricted_v2(facts, (pod.openshift_range or USUAL_RANGE)[0])
    asked = replace(pod, by=StartedBy.CRIO, openshift_range=pod.openshift_range or USUAL_RANGE)
    answer = _told(attempt(facts, asked))
    if pod.openshift_range is not None:
        return answer
    first, last = USUAL_RANGE
    return replace(answer, message=f"{answer.message} (in a namespace with the range {first}/{last - first + 1})")


def _openshift_v3(facts: ImageFacts, pod: Start) -> PlatformAnswer:
    namespace = pod.user_namespace or POD
    if _plain(pod):
        return restricted_v3(facts, namespace)
    asked = replace(pod, by=StartedBy.CRIO, openshift_range=RESTRICTED_V3_RANGE, user_namespace=namespace)
    answer = _told(attempt(facts, asked, RESTRICTED_V3))
    said = "" if pod.user_namespace else " (for a pod with hostUsers: false, the only ones it takes)"
    return replace(answer, message=answer.message + said)


def _in_namespace(facts: ImageFacts, start: Start) -> PlatformAnswer:
    found = attempt(facts, replace(start, user_namespace=start.user_namespace or USUAL))
    answer, host = _told(found), found.started.host
    if answer.answer == "refuse" or host is None:
        return answer
    return replace(answer, message=f"{answer.message}; on the host uid {host.uid}, gid {host.gid}")


def _plain(pod: Start) -> bool:
    """Whether nothing of the start changes who the pod is: then the platform's own answer about the image holds."""
    return pod == Start(
        pod.by,
        openshift_range=pod.openshift_range,
        run_as_non_root=pod.run_as_non_root,
        user_namespace=pod.user_namespace,
        drop_capabilities=pod.drop_capabilities,
        no_new_privileges=pod.no_new_privileges,
    )


_PODS: Mapping[str, Callable[[ImageFacts, Start], PlatformAnswer]] = {
    "kubernetes-run-as-non-root": _run_as_non_root,
    "pod-security-restricted": _pod_security,
    "openshift-restricted-v2": _openshift_v2,
    "openshift-restricted-v3": _openshift_v3,
}


def _told(found: Attempt, prefix: str = "") -> PlatformAnswer:
    """An attempt as an answer. Whether the command can be executed is part of it; what breaks later is not."""
    identity = found.started.identity
    if found.error is not None or identity is None:
        return PlatformAnswer("refuse", f"{'' if found.started.refusal else prefix}{found.error}")
    who = starts_as(identity)
    if found.program is not None and found.program.unknown:
        return PlatformAnswer("unknown", f"{who}, if its command can be executed. {found.program.unknown}")
    return PlatformAnswer("admit", who)
