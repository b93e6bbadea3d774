"""Which rules count, how much, and what fails: data, not code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanner.domain.verdict import Severity


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """How a policy treats one rule.

    :param fails: whether a violation makes the verdict *fail* and an unknown makes it *unknown*.
    :param severity: overrides the rule's own; ``None`` keeps it.
    :param threshold: a rule's number, for example the lowest uid NR107 accepts.
    """

    enabled: bool = True
    fails: bool = False
    severity: Severity | None = None
    threshold: int | None = None


_DEFAULT = RuleSetting()


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule that is not named counts for the score with its own severity and never fails.

    :param fails_at: every rule of this severity or worse fails too; ``None`` for named rules only.
    """

    name: str
    title: str
    settings: Mapping[str, RuleSetting] = field(default_factory=dict)
    fails_at: Severity | None = None

    def setting(self, rule_id: str) -> RuleSetting:
        """The setting for a rule, or the default one."""
        return self.settings.get(rule_id, _DEFAULT)
