"""The policies that are shipped, as data.

``docs/decisions/0003-strict-and-group-zero.md`` says why group 0 is shown but does not fail under *strict*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.verdict import Severity

DEFAULT_POLICY = "kubernetes"

_OFF = RuleSetting(enabled=False)
_COUNTED = RuleSetting()
# Group 0 is wanted on OpenShift and harmless without group-writable files, so elsewhere it is said and not counted; and
# so is, the other way round, that an image does without it.
_INFORMATIVE = RuleSetting(severity=Severity.INFO)


def _failing(*rules: str) -> Mapping[str, RuleSetting]:
    return {rule: RuleSetting(fails=True) for rule in rules}


def _merged(parts: Iterable[Mapping[str, RuleSetting]]) -> Mapping[str, RuleSetting]:
    return {rule: setting for part in parts for rule, setting in part.items()}


_BASELINE = _merged(
    (
        _failing("NR101", "NR102", "NR103", "NR104", "NR106", "NR112", "NR114"),
        {"NR110": _INFORMATIVE, "NR307": _INFORMATIVE},
    )
)
_KUBERNETES = _merged((_BASELINE, _failing("NR105", "NR201", "NR202", "NR203")))
# CRI-O adds a line for the uid it is told to run as, so an account of one's own is missed by nobody there.
_ON_OPENSHIFT = {"NR109": _INFORMATIVE, "NR110": _OFF, "NR307": _COUNTED}
_OPENSHIFT = _merged((_KUBERNETES, _failing("NR302", "NR304", "NR306"), _ON_OPENSHIFT))

BASELINE = Policy("baseline", "Docker and Podman hosts", _BASELINE)
KUBERNETES = Policy(DEFAULT_POLICY, "Kubernetes with runAsNonRoot, Pod Security “restricted”", _KUBERNETES)
OPENSHIFT = Policy("openshift", "OpenShift with restricted-v2: any uid, group 0", _OPENSHIFT)
STRICT = Policy(
    "strict",
    "Zero trust: everything of medium severity or above, uid 10000 or above",
    {"NR107": RuleSetting(threshold=10_000), "NR307": _INFORMATIVE},
    fails_at=Severity.MEDIUM,
)

POLICIES: tuple[Policy, ...] = (BASELINE, KUBERNETES, OPENSHIFT, STRICT)


def policy_named(name: str) -> Policy:
    """The shipped policy of that name.

    :raises KeyError: when none is called that.
    """
    return {policy.name: policy for policy in POLICIES}[name]
