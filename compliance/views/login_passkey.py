"""Logging in with a passkey: one has the device and it knows its owner, so neither password nor code is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.core.internal.ratelimit import consume
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from compliance.forms.second_factor import AnswerForm
from compliance.models import AuditAction
from compliance.policy.relying_party import RelyingParty
from compliance.services.accept_passkey import ask_to_show, owner_named, passkey_shown
from compliance.services.record_audit import audit
from compliance.views.account_adapter import Adapter
from compliance.views.passkey_challenge import Purpose, pose, posed
from compliance.views.request_facts import site_of
from compliance.views.respond import of_this_site
from compliance.views.session_limits import begin_limits

_WRONG: Final = (
    "This passkey does not fit here, or the browser was asked too long ago. Try again, or log in with the password."
)
_TOO_MANY: Final = Adapter.error_messages["too_many_login_attempts"]


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """What our script has to ask the browser; a POST of its answer begins a session."""
    site, now = site_of(request), timezone.now()
    if request.user.is_authenticated or site is None:
        return HttpResponseRedirect(reverse("overview"))
    if request.method != "POST":
        return _ask(request, site, now)
    # Counted with wrong passwords, but by the address alone: nobody guesses a key, and whose it is anybody can say.
    spent = consume(request, app="allauth.account", action="login_failed", config=_by_address())
    if not spent or not consume(request, app="allauth.account", action="login"):
        return _back(request, _TOO_MANY)
    found = _take(request, site, now)
    if found is None:
        return _back(request, _WRONG)
    spent.rollback()
    login = Login(user=found.user, redirect_url=of_this_site(request, request.POST.get("next", "")))
    answer: HttpResponse = perform_login(request, login)
    begin_limits(request, now)
    return answer


def _ask(request: HttpRequest, site: RelyingParty, now: datetime) -> HttpResponse:
    if not consume(request, app="allauth.account", action="passkey_asked", limit_get=True):
        return HttpResponse(status=429)
    return HttpResponse(pose(request, Purpose.LOGIN, ask_to_show(site), now), content_type="application/json")


@transaction.atomic
def _take(request: HttpRequest, site: RelyingParty, now: datetime) -> Authenticator | None:
    """The passkey that fits, with its use written down; or that one did not."""
    form, state = AnswerForm(request.POST), posed(request, Purpose.LOGIN, now)
    answer = form.cleaned_data["credential"] if form.is_valid() else ""
    person = owner_named(answer)
    found = passkey_shown(answer, state, site, person) if state and person and person.is_active else None
    if found is None:
        name = person.get_username() if person else ""
        audit(AuditAction.LOGIN_FAILED, None, by=None, now=now, name=name, details={"asked": "passkey"})
        return None
    found.user = person
    post_authentication(request, found, passwordless=True)
    details: dict[str, object] = {"passkey": found.data["name"], "instead_of": "the password"}
    audit(AuditAction.PASSKEY_USED, person, by=person, now=now, details=details)
    return found


def _by_address() -> dict[str, str]:
    rates = settings.ACCOUNT_RATE_LIMITS["login_failed"].split(",")
    return {"login_failed": ",".join(rate for rate in rates if rate.endswith("/ip"))}


def _back(request: HttpRequest, problem: str) -> HttpResponse:
    messages.error(request, problem)
    target = of_this_site(request, request.POST.get("next", ""))
    return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': target})}")
