"""How one logs in: the authenticator app, passkeys and recovery codes, beside the password and the sessions."""

from __future__ import annotations

from typing import Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.forms.second_factor import TurnOnForm
from compliance.models.encryption import CredentialKeyMissing, decrypt, encrypt
from compliance.qr_code import qr_code
from compliance.queries.factor_rule import is_demanded_of
from compliance.queries.security import factors_of, security_page
from compliance.services.change_factors import AlreadyOn, make_codes, turn_off, turn_on
from compliance.services.sign_on import disconnect
from compliance.views.confirmed import confirmed, is_confirmed, to_confirm
from compliance.views.request_facts import site_of
from compliance.views.respond import Shape, page, signed_in

_PAGE: Final = Shape("compliance/security/page.html")
_APP: Final = Shape("compliance/security/app.html")
_OFF: Final = Shape("compliance/security/off.html")
_CODES: Final = Shape("compliance/security/codes.html")
_PENDING: Final = "second_factor_pending"


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """What one is asked for, and where one is logged in."""
    found = security_page(signed_in(request), request.session.session_key or "")
    context = {"page": found, "site": site_of(request), "sign_on": settings.SINGLE_SIGN_ON}
    return page(request, _PAGE, context, now=timezone.now())


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def app(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app; the answer to its first code shows, once, the recovery codes."""
    user, now, secret = signed_in(request), timezone.now(), _secret(request)
    factors = factors_of(user)
    if factors.since is not None:
        return _back()
    form = TurnOnForm(request.POST if request.method == "POST" else None, secret=secret, now=now)
    if not form.is_valid():
        address = get_adapter().build_totp_url(user, secret)
        context = {"form": form, "secret": secret, "code": qr_code(address), "factors": factors}
        return page(request, _APP, context, now=now, status=422 if form.is_bound else 200)
    try:
        codes = turn_on(user, secret, form.counter, now=now, session=request.session.session_key or "")
    except AlreadyOn:
        return _back()
    del request.session[_PENDING]
    if not codes:
        messages.success(request, "The authenticator app is on. Your recovery codes are those you have.")
        return _back()
    return page(request, _CODES, {"fresh": "\n".join(codes), "turned_on": True}, now=now)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def off(request: HttpRequest) -> HttpResponse:
    """Be asked for no code of the app."""
    user, now = signed_in(request), timezone.now()
    factors = factors_of(user)
    if request.method != "POST" and factors.since is not None:
        is_last = factors.count == 1
        return page(request, _OFF, {"is_last": is_last, "demanded": is_last and is_demanded_of(user)}, now=now)
    if request.method == "POST" and turn_off(user, now=now):
        messages.success(request, "The authenticator app is turned off.")
    return _back()


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def codes(request: HttpRequest) -> HttpResponse:
    """How many recovery codes are left; a POST makes new ones, which its answer shows once."""
    user, now = signed_in(request), timezone.now()
    fresh = make_codes(user, now=now) if request.method == "POST" else []
    factors = factors_of(user)
    if not factors.count:
        return _back()
    return page(request, _CODES, {"factors": factors, "fresh": "\n".join(fresh)}, now=now)


@require_POST
def disconnected(request: HttpRequest) -> HttpResponse:
    """Log in by the password alone again."""
    user = signed_in(request)
    if not is_confirmed(request):
        return to_confirm(reverse("settings_security"))
    if disconnect(user, now=timezone.now()):
        messages.success(request, "Single sign-on is disconnected: you log in by your password.")
    elif not user.has_usable_password():
        messages.error(request, "Without a password here you could not log in any more. Ask for a link to choose one.")
    return _back()


def _secret(request: HttpRequest) -> str:
    """What the app is to be given: the same until it has it, or a page opened twice would be two secrets."""
    try:
        secret = decrypt(request.session.get(_PENDING, ""))
    except CredentialKeyMissing:
        secret = ""
    if not secret:
        secret = str(generate_totp_secret())
        request.session[_PENDING] = encrypt(secret)
    return secret


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("settings_security"))
