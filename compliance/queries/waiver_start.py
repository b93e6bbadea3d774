"""What the form of a new waiver begins with: a finding, a query of the inbox, or a waiver that is renewed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compliance.access import Actor
from compliance.models import Finding, Team, Waiver
from compliance.queries.finding_filter import filters_of, read_filter
from compliance.queries.waiver_rows import rule_title
from compliance.remediation.terms import NO_TEAM, RULE_IDS, members_of, split_repository

LONGEST_TITLE = 150
_SCOPE = ("rule", "registry", "repository", "tag", "team")


def from_finding(row: Finding) -> dict[str, Any]:
    """One finding, loaded with its repository, registry and team: its repository alone."""
    repository = row.repository
    return {
        "title": _title(row.rule, repository.name),
        "rule": row.rule,
        "registry": repository.registry.slug,
        "repository": repository.name,
        "team": repository.team.slug if repository.team else "",
    }


def from_query(params: Mapping[str, str], actor: Actor) -> dict[str, Any]:
    """What a query of the inbox says of rule, team, registry, repository and tag; a scope knows nothing of the rest."""
    terms = read_filter(params).terms
    rules = members_of(terms["rule"], RULE_IDS) if "rule" in terms else ()
    rule = rules[0] if len(rules) == 1 else ""
    slug, name = split_repository(terms.get("repository", ""))
    team = terms.get("team", "")
    return {
        "title": _title(rule, name) if rule else "",
        "rule": rule,
        "registry": slug or terms.get("registry", ""),
        "repository": name,
        "tag": terms.get("tag", ""),
        "team": "" if team == NO_TEAM else team or _only_team(actor),
    }


def left_out(params: Mapping[str, str], begun: Mapping[str, Any]) -> tuple[str, ...]:
    """Filters of a query of the inbox, in words, that a scope cannot be narrowed by."""
    kept = {name for name in _SCOPE if begun.get(name)}
    return tuple(words for name, words in filters_of(read_filter(params)).items() if name not in kept)


def from_waiver(row: Waiver) -> dict[str, Any]:
    """A waiver that ends: everything but the day, which a person chooses."""
    return {
        "title": row.title,
        "rule": row.rule,
        "registry": row.registry.slug if row.registry else "",
        "repository": row.repository_pattern,
        "tag": row.tag_pattern,
        "digest": row.digest,
        "team": row.team.slug if row.team else "",
        "reason": row.reason,
        "explanation": row.explanation,
        "control": row.control,
        "owner": row.owner.get_username(),
        "reopens": row.reopens,
        "restarts_sla": row.restarts_sla,
    }


def _title(rule: str, where: str) -> str:
    title = f"{rule} {rule_title(rule)}".strip()
    longest = LONGEST_TITLE - len(title) - 4
    place = where if len(where) <= longest else f"…{where[-(longest - 1) :]}"
    return f"{title} in {place}" if place else title


def _only_team(actor: Actor) -> str:
    """A member of one team means that one."""
    if actor.triages_everything or len(actor.triaged_team_ids) != 1:
        return ""
    return Team.objects.filter(pk__in=actor.triaged_team_ids).values_list("slug", flat=True).first() or ""
