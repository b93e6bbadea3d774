"""A policy as the JSON that ``PolicyVersion.document`` holds, and back.

::

    {"name": "kubernetes", "title": "…", "fails_at": null, "revision": 1,
     "rules": {"NR107": {"enabled": true, "fails": true, "severity": "low", "threshold": 10000}}}

``revision`` is that of the rules. A release that corrects a rule publishes every policy anew with it, and so judges the
fleet again: else a wrong *pass* of the release before would stay until its image changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.verdict import Severity
from scanner.judge import REVISION


class InvalidPolicy(ValueError):
    """A stored policy document does not say what a policy says."""


def policy_document(policy: Policy) -> dict[str, Any]:
    """Write a policy; equal policies give equal documents."""
    return {
        "name": policy.name,
        "title": policy.title,
        "fails_at": policy.fails_at,
        "revision": REVISION,
        "rules": {
            rule: {
                "enabled": setting.enabled,
                "fails": setting.fails,
                "severity": setting.severity,
                "threshold": setting.threshold,
            }
            for rule, setting in sorted(policy.settings.items())
        },
    }


def read_policy(document: Mapping[str, Any]) -> Policy:
    """Read what ``policy_document`` wrote.

    :raises InvalidPolicy: when a part is missing or of another kind: a setting that is dropped would pass images.
    """
    try:
        settings = {str(rule): _setting(values) for rule, values in document["rules"].items()}
        return Policy(str(document["name"]), str(document["title"]), settings, _severity(document["fails_at"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidPolicy(f"The stored policy cannot be read: {error!r}") from error


def _setting(values: Mapping[str, Any]) -> RuleSetting:
    enabled, fails, threshold = values["enabled"], values["fails"], values["threshold"]
    if not (isinstance(enabled, bool) and isinstance(fails, bool) and isinstance(threshold, int | None)):
        raise TypeError(f"enabled, fails or threshold of {dict(values)!r}")
    return RuleSetting(enabled, fails, _severity(values["severity"]), threshold)


def _severity(name: object) -> Severity | None:
    return None if name is None else Severity(str(name))
