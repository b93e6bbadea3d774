"""The one reading of an address of the list of tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compliance.models import Policy
from compliance.queries.filters import (
    VERDICTS,
    Chip,
    choice_of,
    environment_of,
    number_of,
    policy_of,
    slug_of,
    text_of,
    without,
)
from compliance.queries.repositories import owned_by
from compliance.remediation.terms import NO_SUBJECT, canonical
from scanner.rulebook import RULES

TOTALS = {
    "pass": "passed",
    "fail": "failed",
    "unknown": "unknown",
    "waived": "waived",
    "not_applicable": "not_applicable",
}
"""The column of a repository that counts its listed tags by what is shown of them."""

_RULE_IDS = frozenset(rule.id for rule in RULES)


@dataclass(frozen=True, slots=True)
class TagFilter:
    """What the address asks for.

    :param subject: with ``rule``: tags that show a finding of it with this USER about which something is to be done.
    :param protected: tags that their registry protects.
    """

    q: str = ""
    registry: str = ""
    verdict: str = ""
    team: str = ""
    rule: str = ""
    subject: str = ""
    policy: Policy | None = None
    finding: int | None = None
    protected: bool = False
    environment: str = ""

    @property
    def narrows_repositories(self) -> bool:
        """Whether some repositories are left out."""
        return bool(self.q or self.registry or self.team or self.environment)

    @property
    def total(self) -> str | None:
        """The column of a repository that counts the tags which are asked for, where there is one."""
        if self.rule or self.finding is not None or (self.protected and self.verdict != "fail"):
            return None
        if self.protected:
            return "failed_protected"
        return TOTALS[self.verdict] if self.verdict else "tags_total"

    @property
    def hidden(self) -> tuple[tuple[str, object], ...]:
        """What the form keeps and does not show."""
        held: dict[str, object] = {"rule": self.rule, "subject": self.subject, "team": self.team, "policy": self.policy}
        held |= {"environment": self.environment, "finding": self.finding, "is": "protected" if self.protected else ""}
        return tuple((name, value) for name, value in held.items() if value)


def read_filter(params: Mapping[str, str], registries: Mapping[str, str]) -> TagFilter:
    """Take what is on the lists and ignore the rest."""
    rule = choice_of(params, "rule", _RULE_IDS)
    return TagFilter(
        q=text_of(params, "q"),
        registry=choice_of(params, "registry", registries),
        verdict=choice_of(params, "verdict", VERDICTS),
        team=slug_of(params, "team"),
        rule=rule,
        subject=canonical("subject", params.get("subject", "")) if rule else "",
        policy=policy_of(params),
        finding=number_of(params, "finding"),
        protected=params.get("is") == "protected",
        environment=environment_of(params),
    )


def chips(wanted: TagFilter, params: Mapping[str, str], registries: Mapping[str, str]) -> tuple[Chip, ...]:
    """A chip for each filter that is on."""
    user = "no USER" if wanted.subject == NO_SUBJECT else f"USER {wanted.subject}"
    found = (
        ("q", f"repository contains “{wanted.q}”" if wanted.q else ""),
        ("registry", f"registry {registries.get(wanted.registry, '')}" if wanted.registry else ""),
        ("environment", f"environment {wanted.environment}" if wanted.environment else ""),
        ("verdict", f"verdict {VERDICTS[wanted.verdict]}" if wanted.verdict else ""),
        ("team", owned_by(wanted.team)),
        ("is", "protected" if wanted.protected else ""),
        ("rule", f"violates {wanted.rule}" if wanted.rule else ""),
        ("subject", f"because of {user}, and something is to be done about it" if wanted.subject else ""),
        ("policy", f"judged by {wanted.policy}" if wanted.policy else ""),
        ("finding", f"shows finding {wanted.finding}" if wanted.finding is not None else ""),
    )
    gone = {"rule": ("rule", "subject")}
    return tuple(Chip(label, without(params, *gone.get(name, (name,)))) for name, label in found if label)
