"""What is asked for after the password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import LoginStageController
from allauth.core.internal.ratelimit import consume
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from compliance.forms.second_factor import AnswerForm, CodeForm
from compliance.models import AuditAction, User
from compliance.models.encryption import CredentialKeyMissing
from compliance.queries.security import Factors, factors_of
from compliance.services.accept_code import accept_code
from compliance.services.accept_passkey import ask_to_show, passkey_shown
from compliance.services.record_audit import audit
from compliance.views.account_adapter import came_by_sign_on, may_still_log_in
from compliance.views.passkey_challenge import Purpose, pose, posed
from compliance.views.request_facts import site_of
from compliance.views.respond import Shape, page
from compliance.views.session_limits import begin_limits

_PAGE: Final = Shape("compliance/login/code.html")
_WRONG_KEY: Final = "This passkey does not fit, or the browser was asked too long ago."
_WRONG: Final = "This code does not fit, or was used already."
_TOO_MANY: Final = "Too many codes did not fit. Wait a while, or ask an administrator."
_NO_KEY: Final = "No code can be checked: the server has lost the key of your second factor. Ask an administrator."


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Ask whoever gave the right password for a code or a passkey, and let them in."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(reverse("overview"))
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    person = stage.login.user if stage else None
    factors = factors_of(person) if person and may_still_log_in(request, person) else None
    if stage is None or person is None or factors is None or not factors.count:
        clear_login(request)
        return HttpResponseRedirect(reverse("login"))
    now, is_key = timezone.now(), "credential" in request.POST
    code = CodeForm(None if is_key or request.method != "POST" else request.POST, has_app=factors.since is not None)
    form = AnswerForm(request.POST) if is_key else code
    if form.is_valid():
        problem = _check(request, person, form.cleaned_data, now)
        if not problem:
            answer: HttpResponse = stage.exit()
            begin_limits(request, now)
            return answer
        form.add_error("credential" if is_key else "code", problem)
    context = {"form": code, "person": person, "factors": factors, "refused": form.errors.get("credential")}
    context |= {"by_sign_on": came_by_sign_on(request, person), **_key_context(request, person, factors, now)}
    return page(request, _PAGE, context, now=now, status=422 if form.is_bound else 200)


def _key_context(request: HttpRequest, person: User, factors: Factors, now: datetime) -> dict[str, object]:
    """What a passkey is asked for with, where there is one that this address may ask for."""
    site = site_of(request)
    if site is None or all(each.site != site.id for each in factors.passkeys):
        return {"site": site}
    return {"site": site, "options": pose(request, Purpose.CODE, ask_to_show(site, person), now)}


def _check(request: HttpRequest, person: User, given: Mapping[str, str], now: datetime) -> str:
    """Take what was given; what is wrong with it, if anything is."""
    # What fits gives back what it spent and nothing else, or a guesser would log in now and then to go on.
    spent = consume(request, app="allauth.account", action="second_factor", key=str(person.pk))
    if not spent:
        return _TOO_MANY
    is_key = "credential" in given
    try:
        taken = (
            _take_key(request, person, given["credential"], now)
            if is_key
            else _take(request, person, given["code"], now)
        )
    except CredentialKeyMissing:
        return _NO_KEY
    if not taken:
        asked: dict[str, object] = {"asked": "passkey" if is_key else "code"}
        audit(AuditAction.LOGIN_FAILED, None, by=None, now=now, name=person.get_username(), details=asked)
        return _WRONG_KEY if is_key else _WRONG
    spent.rollback()
    return ""


@transaction.atomic
def _take(request: HttpRequest, person: User, code: str, now: datetime) -> bool:
    """Spend a code that fits, and write down a recovery code's end with it."""
    found = accept_code(person, code, now=now)
    if found is None:
        return False
    found.user = person
    post_authentication(request, found)
    if found.type == Authenticator.Type.RECOVERY_CODES:
        audit(AuditAction.CODE_USED, person, by=person, now=now, details={"left": factors_of(person).codes_left})
    return True


@transaction.atomic
def _take_key(request: HttpRequest, person: User, answer: str, now: datetime) -> bool:
    """Take a passkey that fits what was asked, and write down its use."""
    site, state = site_of(request), posed(request, Purpose.CODE, now)
    found = passkey_shown(answer, state, site, person) if site and state else None
    if found is None:
        return False
    found.user = person
    post_authentication(request, found)
    audit(AuditAction.PASSKEY_USED, person, by=person, now=now, details={"passkey": found.data["name"]})
    return True
