"""A policy as the JSON that ``PolicyVersion.document`` holds, and back.

::

    {"name": "kubernetes", "title": "…", "fails_at": null, "revision": 1,
     "rules": {"NR107": {"enabled": true, "fails": true, "severity": "low", "threshold": 10000}}}

``revision`` is that of the rules. A release that corrects a rule publishes every policy anew with it, and so judges the
fleet again: else a wrong *pass* of the release before would stay until its image changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.rule import Rule
from scanner.domain.verdict import Severity
from scanner.judge import REVISION
from scanner.rulebook import RULES

LONGEST_TITLE = 200
LARGEST_THRESHOLD = 2_147_483_647
"""Of a uid; every threshold there is is one."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_SETTING = frozenset({"enabled", "fails", "severity", "threshold"})
_SEVERITIES = tuple(severity.value for severity in Severity)


class InvalidPolicy(ValueError):
    """A policy document does not say what a policy says.

    :param errors: what is wrong, by field: ``title``, ``NR107``, ``NR107.threshold`` …; as it may be shown.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))
        self.errors = dict(errors)


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
        raise InvalidPolicy({"document": f"The stored policy cannot be read: {error!r}"}) from error


def check_document(document: Mapping[str, Any], rules: Sequence[Rule] = RULES) -> Policy:
    """Read what a person entered: every setting must mean something to the rules there are.

    :param document: as ``policy_document`` writes it; ``revision`` may be missing, and so may parts of a setting.
    :raises InvalidPolicy: with a message for each field that is wrong.
    """
    errors: dict[str, str] = {}
    name, title = document.get("name"), document.get("title")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        errors["name"] = "A name has up to 50 small letters, digits and hyphens."
    if not isinstance(title, str) or not title.strip() or len(title) > LONGEST_TITLE or not title.isprintable():
        errors["title"] = f"Enter a title of at most {LONGEST_TITLE} characters."
    fails_at = _checked_severity(document.get("fails_at"), "fails_at", errors)
    entered = document.get("rules")
    if not isinstance(entered, Mapping):
        entered, errors["rules"] = {}, "Settings are a mapping from rules to their settings."
    by_id = {rule.id: rule for rule in rules}
    settings = {str(rule): _checked(str(rule), values, by_id, errors) for rule, values in entered.items()}
    if errors:
        raise InvalidPolicy(errors)
    return Policy(str(name), str(title), settings, fails_at)


def settings_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What two versions with the same settings have in common, whatever the rules they were written for."""
    return {name: value for name, value in document.items() if name != "revision"}


def with_revision(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings under the rules of this release."""
    return {**document, "revision": REVISION}


def _checked(rule_id: str, values: object, rules: Mapping[str, Rule], errors: dict[str, str]) -> RuleSetting:
    rule = rules.get(rule_id)
    if rule is None:
        errors[rule_id] = "There is no such rule."
        return RuleSetting()
    if not isinstance(values, Mapping) or not values.keys() <= _SETTING:
        errors[rule_id] = f"A setting has {', '.join(sorted(_SETTING))} and nothing else."
        return RuleSetting()
    enabled, fails = values.get("enabled", True), values.get("fails", False)
    if not isinstance(enabled, bool) or not isinstance(fails, bool):
        errors[rule_id] = "A rule is on or off, and fails or does not."
        return RuleSetting()
    if fails and not rule.decides:
        errors[f"{rule_id}.fails"] = "This is a hint: no image can fail on it."
    severity = _checked_severity(values.get("severity"), f"{rule_id}.severity", errors)
    return RuleSetting(enabled, fails, severity, _checked_threshold(rule, values.get("threshold"), errors))


def _checked_severity(value: object, name: str, errors: dict[str, str]) -> Severity | None:
    if value is None:
        return None
    if value not in _SEVERITIES:
        errors[name] = f"A severity is one of {', '.join(_SEVERITIES)}."
        return None
    return Severity(str(value))


def _checked_threshold(rule: Rule, value: object, errors: dict[str, str]) -> int | None:
    if value is None:
        return None
    name = f"{rule.id}.threshold"
    if rule.threshold is None:
        errors[name] = "This rule has no threshold."
    elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_THRESHOLD:
        errors[name] = f"Enter {rule.threshold_means}, a whole number from 0 to {LARGEST_THRESHOLD}."
    else:
        return value
    return None


def _setting(values: Mapping[str, Any]) -> RuleSetting:
    enabled, fails, threshold = values["enabled"], values["fails"], values["threshold"]
    if not (isinstance(enabled, bool) and isinstance(fails, bool) and isinstance(threshold, int | None)):
        raise TypeError(f"enabled, fails or threshold of {dict(values)!r}")
    return RuleSetting(enabled, fails, _severity(values["severity"]), threshold)


def _severity(name: object) -> Severity | None:
    return None if name is None else Severity(str(name))
