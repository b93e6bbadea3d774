"""The policies that are shipped, as data. A name from ``rules.md`` appears here once its rule exists.

``docs/decisions/0003-strict-and-group-zero.md`` says why group 0 is shown but does not fail under *strict*.
"""

from __future__ import annotations

from collections.abc import Mapping

from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.verdict import Severity

DEFAULT_POLICY = "kubernetes"

_FAILS = RuleSetting(fails=True)
# Group 0 is wanted on OpenShift and harmless without group-writable files, so elsewhere it is said and not counted.
_INFORMATIVE = RuleSetting(severity=Severity.INFO)

_BASELINE: Mapping[str, RuleSetting] = {
    "NR101": _FAILS,
    "NR102": _FAILS,
    "NR103": _FAILS,
    "NR104": _FAILS,
    "NR106": _FAILS,
    "NR110": _INFORMATIVE,
    "NR114": _FAILS,
}

BASELINE = Policy("baseline", "Docker and Podman hosts", _BASELINE)
KUBERNETES = Policy(
    DEFAULT_POLICY,
    "Kubernetes with runAsNonRoot, Pod Security “restricted”",
    {**_BASELINE, "NR105": _FAILS, "NR201": _FAILS, "NR202": _FAILS},
)
STRICT = Policy(
    "strict",
    "Zero trust: everything of medium severity or above, uid 10000 or above",
    {"NR107": RuleSetting(threshold=10_000)},
    fails_at=Severity.MEDIUM,
)

POLICIES: tuple[Policy, ...] = (BASELINE, KUBERNETES, STRICT)


def policy_named(name: str) -> Policy:
    """The shipped policy of that name.

    :raises KeyError: when none is called that.
    """
    return {policy.name: policy for policy in POLICIES}[name]
