"""Single sign-on: to the provider, and back with what it says.

Three errands go this way: somebody logs in, confirms who they are, or connects the account they are logged in to.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.core.ratelimit import consume_or_429
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from compliance.models import AuditAction
from compliance.outgoing.provider import ProviderProblem
from compliance.policy.sign_on import Identity, SignOn, SignOnRefused, check_claims
from compliance.services.read_id_token import read_id_token
from compliance.services.record_audit import audit
from compliance.services.sign_on import account_of, connect, sign_on
from compliance.views.confirmed import is_confirmed, to_confirm
from compliance.views.moment import decided_now
from compliance.views.request_facts import recorded
from compliance.views.respond import Shape, of_this_site, page, signed_in
from compliance.views.session_limits import begin_limits
from compliance.views.sign_on_adapter import OpenIdAdapter, read

_ON: Final = Shape("compliance/login/onward.html")
_REFUSED: Final = Shape("compliance/login/refused.html")
_FRESH: Final = timedelta(minutes=5)
_LOGIN, _CONFIRM, _CONNECT = "login", "confirm", "connect"
_STATUS: Final[Mapping[str, int]] = {"state": 400, "cancelled": 400, "provider": 502, "unreachable": 502}
_ASKED: Final = "single sign-on"
_MOST_NAMED: Final = 20
_LOG: Final = logging.getLogger(__name__)


@login_not_required
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Lead to the provider, by a page: a redirect that answers a form may not leave this site (``form-action``)."""
    wanted: SignOn | None = settings.SINGLE_SIGN_ON
    if wanted is None:
        raise Http404
    errand = request.POST.get("errand", _LOGIN)
    refusal: HttpResponse | None = consume_or_429(request, action="sign_on")
    if refusal is not None:
        return refusal
    target = of_this_site(request, request.POST.get("next", ""))
    if request.user.is_authenticated and errand not in (_CONFIRM, _CONNECT):
        return HttpResponseRedirect(target)
    if not request.user.is_authenticated and errand != _LOGIN:
        return HttpResponseRedirect(reverse("login"))
    if errand == _CONNECT and not is_confirmed(request):
        return to_confirm(reverse("settings_security"))
    nonce = secrets.token_urlsafe(32)
    asked = {"nonce": nonce, **({"prompt": "login", "max_age": "0"} if errand == _CONFIRM else {})}
    provider = OpenIdAdapter(request, wanted).get_provider()
    try:
        told = provider.redirect(request, errand, target, auth_params=asked, nonce=nonce, person=request.user.pk)
    except (SignOnRefused, ProviderProblem) as problem:
        return _refuse(request, _refusal(problem))
    return page(request, _ON, {"url": told.url}, now=timezone.now())


@login_not_required
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """Somebody comes back with a code, or without."""
    wanted: SignOn | None = settings.SINGLE_SIGN_ON
    if wanted is None:
        return HttpResponseRedirect(reverse("login"))
    state = statekit.unstash_state(request, provider_id=wanted.issuer, state_id=request.GET.get("state", ""))
    if state is None:
        return _refuse(request, SignOnRefused("state"))
    with recorded(request):
        try:
            return _finish(request, wanted, state)
        except (SignOnRefused, ProviderProblem) as problem:
            refused = _refusal(problem)
            if refused.detail:
                _write_down(refused.code, detail=refused.detail)
            return _refuse(request, refused)


def _finish(request: HttpRequest, wanted: SignOn, state: Mapping[str, Any]) -> HttpResponse:
    """Do the errand."""
    errand, target = state["process"], state["next"]
    if errand != _LOGIN and request.user.pk != state["person"]:
        raise SignOnRefused("left")
    if "code" not in request.GET or request.GET.get("iss", wanted.issuer) != wanted.issuer:
        raise SignOnRefused("cancelled")
    identity = _identity(request, wanted, state, fresh=_FRESH if errand == _CONFIRM else None)
    if errand == _LOGIN:
        return _let_in(request, identity, target)
    person = signed_in(request)
    if errand == _CONNECT:
        connect(person, identity, now=decided_now())
        messages.success(request, "Single sign-on is connected: from now on you can log in by it.")
        return HttpResponseRedirect(reverse("settings_security"))
    account = account_of(identity)
    if account is None or account.user_id != person.pk:
        raise SignOnRefused("other")
    record_authentication(request, person, "socialaccount", reauthenticated=True)
    return HttpResponseRedirect(target)


def _identity(request: HttpRequest, wanted: SignOn, state: Mapping[str, Any], *, fresh: timedelta | None) -> Identity:
    """Who came, proved."""
    adapter = OpenIdAdapter(request, wanted)
    client = adapter.get_client(request, adapter.get_provider().app)
    try:
        answer = client.get_access_token(request.GET["code"], pkce_code_verifier=state["pkce_code_verifier"])
    except (OAuth2Error, TypeError):
        # What it answered may be a token: neither it nor this error may get into a log.
        raise SignOnRefused("provider", "it did not exchange the code: are client id and secret right?") from None
    token = answer.get("id_token") if isinstance(answer, dict) else None
    claims = read_id_token(token, read(adapter.openid_config["jwks_uri"]))
    return check_claims(claims, wanted, nonce=state["nonce"], now=decided_now(), fresh=fresh)


def _let_in(request: HttpRequest, identity: Identity, target: str) -> HttpResponse:
    """Begin a session, after a code where the account here asks for one."""
    try:
        person = sign_on(identity, now=decided_now())
    except SignOnRefused as refused:
        groups = sorted(identity.groups)
        _write_down(refused.code, name=identity.username, groups=groups[:_MOST_NAMED], of=len(groups))
        raise
    if request.user.is_authenticated:
        get_adapter(request).logout(request)
    record_authentication(request, person, "socialaccount")
    answer: HttpResponse = perform_login(request, Login(user=person, redirect_url=target))
    if request.user.is_authenticated:
        begin_limits(request, timezone.now())
    return answer


def _write_down(code: str, *, name: str = "", **more: object) -> None:
    told = {"asked": _ASKED, "reason": code, **more}
    audit(AuditAction.LOGIN_FAILED, None, by=None, now=timezone.now(), name=name, details=told)


def _refusal(problem: SignOnRefused | ProviderProblem) -> SignOnRefused:
    return problem if isinstance(problem, SignOnRefused) else SignOnRefused(problem.code, str(problem))


def _refuse(request: HttpRequest, refused: SignOnRefused) -> HttpResponse:
    """Say why, and what to do; nothing the provider sent is shown or logged."""
    if refused.detail:
        _LOG.warning("single sign-on: %s: %s", refused.code, refused.detail)
    context = {"words": refused.words, "code": refused.code}
    return page(request, _REFUSED, context, now=timezone.now(), status=_STATUS.get(refused.code, 403))
