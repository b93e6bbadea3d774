"""Who refuses before any runtime sees a container: the API server, OpenShift's admission, kubelet; in that order.

An engine with a user namespace refuses, too, where it cannot unpack the layers.

Sources: Kubernetes ``validation.go`` (``IsValidUserID``), openshift/apiserver-library-go ``mustrunasrange.go`` and
``group/mustrunas.go``, kubelet ``verifyRunAsNonRoot``.
"""

from __future__ import annotations

from scanner.domain.facts import ImageFacts
from scanner.domain.image_config import ImageConfig
from scanner.domain.start import Start, StartedBy
from scanner.domain.user_spec import MAX_ID
from scanner.platforms.kubernetes import run_as_non_root
from scanner.platforms.user_namespaces import cannot_unpack, unmapped
from scanner.whatif.answer import Refusal, RefusedBy

RESTRICTED_V2 = "restricted-v2"
RESTRICTED_V3 = "restricted-v3"
_NO_CONSTRAINT = "unable to validate against any security context constraint: "


def refusal_of(facts: ImageFacts, start: Start, constraint: str = RESTRICTED_V2) -> Refusal | None:
    """The first no; ``None`` where the container gets to a runtime.

    :param constraint: OpenShift's, which the message names.
    """
    config = facts.config
    if start.by not in (StartedBy.KUBERNETES, StartedBy.CRIO):
        return _by_engine(facts, start)
    return _by_api(start) or _by_openshift(start, constraint) or _by_kubelet(config, start)


def _by_engine(facts: ImageFacts, start: Start) -> Refusal | None:
    place = None if start.user_namespace is None else unmapped(facts, start.user_namespace)
    return None if place is None else Refusal(RefusedBy.ENGINE, cannot_unpack(place))


def _by_api(start: Start) -> Refusal | None:
    fields = [("runAsUser", start.run_as_user), ("runAsGroup", start.run_as_group), ("fsGroup", start.fs_group)]
    for name, value in (*fields, *(("supplementalGroups", gid) for gid in start.supplemental_groups)):
        if value is not None and not 0 <= value <= MAX_ID:
            said = f"{name}: Invalid value: {value}: must be between 0 and {MAX_ID}, inclusive"
            return Refusal(RefusedBy.API, said)
    return None


def _by_openshift(start: Start, constraint: str) -> Refusal | None:
    if start.openshift_range is None:
        return None
    first, last = start.openshift_range
    problems = []
    if start.fs_group is not None and not first <= start.fs_group <= last:
        problems.append(
            f"fsGroup: Invalid value: []int64{{{start.fs_group}}}: {start.fs_group} is not an allowed group"
        )
    if start.run_as_user is not None and not first <= start.run_as_user <= last:
        problems.append(f"runAsUser: Invalid value: {start.run_as_user}: must be in the ranges: [{first}, {last}]")
    if not problems:
        return None
    return Refusal(RefusedBy.OPENSHIFT, _NO_CONSTRAINT + ", ".join(f"provider {constraint}: {it}" for it in problems))


def _by_kubelet(config: ImageConfig, start: Start) -> Refusal | None:
    if not start.run_as_non_root:
        return None
    if start.run_as_user is not None:
        broken = start.run_as_user == 0
        return Refusal(RefusedBy.KUBELET, "container's runAsUser breaks non-root policy") if broken else None
    answer = run_as_non_root(config.user, os=config.platform.os)
    return None if answer.answer == "admit" else Refusal(RefusedBy.KUBELET, answer.message)
