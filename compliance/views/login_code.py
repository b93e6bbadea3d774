"""What is asked for after the password."""

from __future__ import annotations

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

from compliance.forms.second_factor import CodeForm
from compliance.models import AuditAction, User
from compliance.models.encryption import CredentialKeyMissing
from compliance.queries.security import factors_of
from compliance.services.accept_code import accept_code
from compliance.services.record_audit import audit
from compliance.views.account_adapter import may_still_log_in
from compliance.views.respond import Shape, page
from compliance.views.session_limits import begin_limits

_PAGE: Final = Shape("compliance/login/code.html")
_WRONG: Final = "This code does not fit, or was used already."
_TOO_MANY: Final = "Too many codes did not fit. Wait a while, or ask an administrator."
_NO_KEY: Final = "No code can be checked: the server has lost the key of your second factor. Ask an administrator."


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Ask whoever gave the right password for a code, and let them in."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(reverse("overview"))
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    person = stage.login.user if stage else None
    if stage is None or person is None or not may_still_log_in(request, person) or factors_of(person).since is None:
        clear_login(request)
        return HttpResponseRedirect(reverse("login"))
    now = timezone.now()
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        problem = _check(request, person, form.cleaned_data["code"], now)
        if not problem:
            answer: HttpResponse = stage.exit()
            begin_limits(request, now)
            return answer
        form.add_error("code", problem)
    return page(request, _PAGE, {"form": form, "person": person}, now=now, status=422 if form.is_bound else 200)


def _check(request: HttpRequest, person: User, code: str, now: datetime) -> str:
    """Take the code; what is wrong with it, if anything is."""
    # A code that fits gives back what it spent and nothing else, or a guesser would log in now and then to go on.
    spent = consume(request, app="allauth.account", action="second_factor", key=str(person.pk))
    if not spent:
        return _TOO_MANY
    try:
        taken = _take(request, person, code, now)
    except CredentialKeyMissing:
        return _NO_KEY
    if not taken:
        audit(AuditAction.LOGIN_FAILED, None, by=None, now=now, name=person.get_username(), details={"asked": "code"})
        return _WRONG
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
