"""Where all settings are found that somebody may open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.access import Actor, may_manage_people, may_read_audit, may_see_system
from compliance.views.respond import Shape, page
from compliance.views.rights import actor_of

_PAGE: Final = Shape("compliance/settings/page.html")


@dataclass(frozen=True, slots=True)
class Setting:
    """A page of settings, by the name of its URL.

    :param right: who may open it; ``None`` for everybody.
    """

    url: str
    label: str
    what: str
    right: Callable[[Actor], bool] | None = None


OWN: Final = (
    Setting("settings_profile", "Profile", "Name, time zone, theme, how lists look, keys."),
    Setting("settings_security", "Security", "The second factor and its recovery codes, password, sessions."),
    Setting("settings_password", "Password", "Choose another one; every other session ends."),
    Setting("settings_notifications", "Notifications", "What you are told of, and where: mail, chat, webhook."),
    Setting("settings_sessions", "Sessions", "Where you are logged in, and logging out elsewhere."),
    Setting("settings_tokens", "API tokens", "What programs read with, in your name."),
)
SITE: Final = (
    Setting("settings_sla", "Terms", "How long there is to fix what."),
    Setting("settings_people", "People", "Who can log in, and with what role.", may_manage_people),
    Setting("settings_sign_on", "Single sign-on", "What groups of your provider give here.", may_manage_people),
    Setting("settings_factors", "Second factors", "Who must have one, and who has none.", may_manage_people),
    Setting("settings_audit", "Audit trail", "Who did what, when, from where.", may_read_audit),
    Setting("settings_retention", "Retention", "What is kept for how long."),
    Setting("settings_system", "System", "Versions, queue, workers, database, licences.", may_see_system),
    Setting("settings_ownership", "Who owns what", "Rules that give repositories to teams.", may_manage_people),
)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What somebody may set."""
    actor = actor_of(request)
    hidden = "settings_sign_on" if settings.SINGLE_SIGN_ON is None else ""
    site = [each for each in SITE if each.url != hidden and (each.right is None or each.right(actor))]
    return page(request, _PAGE, {"own": OWN, "site": site}, now=timezone.now())
