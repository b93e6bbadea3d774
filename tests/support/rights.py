"""Who may open and change what, address by address: the list ``tests/compliance/test_rights.py`` holds the site to.

An address that is not in ``PAGES`` fails that test. It is one line: the name of the URL, what it is about (a kind of
``tests.support.tenants.KINDS``), who may read it, who may post to it. ``None`` says that the verb is not supported.
Team roles are those in the team that owns the thing; for what nobody owns, in any team.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

AUDITOR = frozenset({"auditor"})
SECURITY = frozenset({"security"})
ADMIN = frozenset({"admin"})
LEAD = frozenset({"lead"})
TRIAGER = LEAD | {"triager"}
VIEWER = TRIAGER | {"viewer"}
MEMBER = VIEWER | {"nobody"}

WORKING = SECURITY | ADMIN
OPERATIONS = AUDITOR | WORKING
TRIAGERS = TRIAGER | WORKING
LEADS = LEAD | WORKING
EVERYBODY = MEMBER | OPERATIONS


@dataclass(frozen=True, slots=True)
class Page:
    """One address.

    :param public: it answers somebody who is not logged in.
    :param records: that somebody read it is written down.
    :param get: who may read it, ``post`` who may post to it.
    """

    about: str = ""
    get: frozenset[str] | None = EVERYBODY
    post: frozenset[str] | None = None
    public: bool = False
    records: bool = False


def acts(about: str, post: frozenset[str]) -> Page:
    """An address that only takes posts."""
    return Page(about, None, post)


PAGES: Mapping[str, Page] = {
    # Nobody's: logging in, the state of the service, what registries send.
    "login": Page(public=True, post=EVERYBODY),
    "mfa_authenticate": Page(public=True, post=EVERYBODY),
    "login_passkey": Page(public=True, post=EVERYBODY),
    "sign_on": Page(public=True, get=None, post=EVERYBODY),
    "sign_on_back": Page(public=True),
    "logout": Page(public=True, get=None, post=EVERYBODY),
    "choose_password": Page("link", public=True, post=EVERYBODY),
    "theme": Page(public=True, get=None, post=EVERYBODY),
    "healthz": Page(public=True),
    "readyz": Page(public=True),
    "hook": Page(public=True, get=None, post=EVERYBODY),
    # One's own account.
    "settings_profile": Page(post=EVERYBODY),
    "settings_password": Page(post=EVERYBODY),
    "settings_notifications": Page(post=EVERYBODY),
    "settings_notifications_kinds": acts("", EVERYBODY),
    "settings_views_end": acts("", EVERYBODY),
    "settings_watched": Page(),
    # Channels of the tenant's team; anybody's own is 404 for everybody else.
    "channel": Page("channel", get=LEAD | ADMIN),
    "channel_change": acts("channel", LEAD | ADMIN),
    "channel_again": acts("channel", LEAD | ADMIN),
    "settings_lists": acts("", EVERYBODY),
    "settings_security": Page(),
    "settings_confirm": Page(post=EVERYBODY),
    "settings_factor_app": Page(post=EVERYBODY),
    "settings_factor_off": Page(post=EVERYBODY),
    "settings_passkey_add": Page(post=EVERYBODY),
    "settings_passkey": Page("passkey", post=EVERYBODY),
    "settings_passkey_remove": Page("passkey", post=EVERYBODY),
    "settings_codes": Page(post=EVERYBODY),
    "settings_disconnect": acts("", EVERYBODY),
    "settings_sessions": Page(),
    "settings_sessions_end": acts("", EVERYBODY),
    "settings_tokens": Page(post=EVERYBODY),
    "token_revoke": acts("token", EVERYBODY),
    # For programs: a token, or 401.
    "api_summary": Page(public=True),
    # What teams own.
    "overview": Page(),
    "repositories": Page(),
    "tags": Page(),
    "repository": Page("repository"),
    "compare": Page("repository"),
    "repository_trend": Page("repository"),
    "repository_trend_export": Page("repository", records=True),
    "tag": Page("tag"),
    "image": Page("image"),
    "what_if": Page("image"),
    "deployments": Page(post=EVERYBODY),
    # Rules and policies: read by everybody.
    "rules": Page(),
    "rule": Page("rule"),
    "policies": Page(),
    "policy": Page("policy"),
    "policy_history": Page("policy"),
    "policy_new": Page(get=ADMIN, post=ADMIN),
    "policy_edit": Page("policy", get=ADMIN, post=ADMIN),
    "policy_preview": acts("policy", ADMIN),
    "policy_waivers": acts("policy", ADMIN),
    "policy_scope": acts("policy", ADMIN),
    "policy_scope_preview": acts("policy", ADMIN),
    "policy_scope_remove": acts("assignment", ADMIN),
    "policy_scope_move": acts("assignment", ADMIN),
    # Operations.
    "registries": Page(get=OPERATIONS),
    "registry": Page("registry", get=OPERATIONS),
    "registry_new": Page(get=ADMIN, post=ADMIN),
    "registry_test": acts("", ADMIN),
    "registry_listing": acts("", ADMIN),
    "registry_scope": acts("", ADMIN),
    "registry_runs": acts("", ADMIN),
    "registry_edit": Page("registry", get=ADMIN, post=ADMIN),
    "registry_retest": acts("registry", ADMIN),
    "registry_delete": Page("registry", get=ADMIN, post=ADMIN),
    "registry_resume": acts("registry", WORKING),
    "registry_scan": acts("registry", WORKING),
    "registry_webhook": Page("registry", get=OPERATIONS, post=ADMIN),
    "webhook_rotate": acts("registry", ADMIN),
    "webhook_enable": acts("registry", ADMIN),
    "webhook_test": acts("registry", ADMIN),
    "webhook_delete": acts("registry", ADMIN),
    "webhooks": Page(get=OPERATIONS),
    "delivery": Page("delivery", get=OPERATIONS),
    "delivery_replay": acts("delivery", ADMIN),
    "scans": Page(get=OPERATIONS),
    "scan": Page("scan", get=OPERATIONS),
    "scan_changes": Page("scan", get=OPERATIONS),
    "scan_retry": acts("scan", WORKING),
    "scan_cancel": acts("scan", WORKING),
    # Findings.
    "findings": Page(),
    "findings_bulk": acts("", TRIAGERS),
    "findings_undo": acts("bulk", TRIAGERS),
    "finding": Page("finding"),
    "finding_people": Page("finding", get=TRIAGERS),
    "finding_status": acts("finding", TRIAGERS),
    "finding_assign": acts("finding", TRIAGERS),
    "finding_due": acts("finding", TRIAGERS),
    "finding_comment": acts("finding", TRIAGERS),
    "finding_rescan": acts("finding", TRIAGERS),
    "finding_undo": acts("change", EVERYBODY),
    "repository_rescan": acts("repository", TRIAGERS),
    "repository_labels": Page("repository", get=TRIAGERS, post=TRIAGERS),
    "repository_watch": acts("repository", EVERYBODY),
    "repository_baseline": acts("repository", LEADS),
    "settings_sla": Page(post=ADMIN),
    "sla_preview": acts("", ADMIN),
    "findings_export": Page(records=True),
    "findings_views": Page(post=EVERYBODY),
    "findings_pin": acts("view", EVERYBODY),
    "findings_mail": acts("view", EVERYBODY),
    "findings_forget": acts("view", EVERYBODY),
    "remediation": Page(),
    "remediation_print": Page(),
    "remediation_move": acts("", TRIAGERS),
    # Teams, people, who owns what.
    "teams": Page(),
    "team": Page("team"),
    "team_new": Page(get=ADMIN, post=ADMIN),
    "teams_find": Page(get=LEADS),
    "team_edit": Page("team", get=ADMIN, post=ADMIN),
    "team_delete": Page("team", get=ADMIN, post=ADMIN),
    "team_members": Page("team", post=LEAD | ADMIN),
    "team_member": acts("member", LEAD | ADMIN),
    "team_notifications": Page("team", get=LEAD | ADMIN, post=LEAD | ADMIN),
    "team_notifications_kinds": acts("team", LEAD | ADMIN),
    "unowned": Page(get=LEADS | AUDITOR),
    "unowned_claim": acts("", LEADS),
    "unowned_undo": acts("", LEADS),
    "repository_owner": Page("repository", get=LEADS, post=LEADS),
    "people_find": Page(get=TRIAGERS),
    "settings": Page(),
    "settings_retention": Page(post=ADMIN),
    "settings_system": Page(get=WORKING),
    "settings_audit": Page(get=OPERATIONS),
    "audit_export": Page(get=OPERATIONS, records=True),
    "settings_factors": Page(get=ADMIN, post=ADMIN),
    "settings_sign_on": Page(get=ADMIN, post=ADMIN),
    "settings_people": Page(get=ADMIN),
    "person_new": Page(get=ADMIN, post=ADMIN),
    "person": Page("person", get=ADMIN, post=ADMIN),
    "person_link": acts("person", ADMIN),
    "person_factor": acts("person", ADMIN),
    "person_active": acts("person", ADMIN),
    "person_tokens": acts("person", ADMIN),
    "settings_ownership": Page(get=ADMIN),
    "ownership_preview": acts("", ADMIN),
    "ownership_add": acts("", ADMIN),
    "ownership_remove": acts("ownership", ADMIN),
    "ownership_move": acts("ownership", ADMIN),
    # Waivers.
    "waivers": Page(),
    "waivers_export": Page(records=True),
    "waiver_new": Page(get=TRIAGERS, post=TRIAGERS),
    "waiver_preview": acts("", TRIAGERS),
    "waiver_owners": Page(get=TRIAGERS),
    "waiver": Page("waiver"),
    "waiver_covered": Page(get=TRIAGERS),
    "waiver_approve": acts("waiver", LEADS),
    "waiver_revoke": acts("waiver", LEADS),
}


def names() -> list[str]:
    """The names of all addresses; each has to have one."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern.name or f"the address {pattern.pattern}, which has no name"

    return list(walk(get_resolver().url_patterns))
