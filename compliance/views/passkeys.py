"""One's own passkeys: added, renamed, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from compliance.forms.second_factor import NameForm, PasskeyForm
from compliance.models import User
from compliance.policy.relying_party import RelyingParty
from compliance.queries.factor_rule import is_demanded_of
from compliance.queries.security import Factors, Passkey, factors_of
from compliance.queries.sessions import browser_in_words
from compliance.services.accept_passkey import ask_to_make, passkey_made
from compliance.services.change_factors import (
    MOST_PASSKEYS,
    TooManyPasskeys,
    add_passkey,
    remove_passkey,
    rename_passkey,
)
from compliance.views.confirmed import confirmed
from compliance.views.passkey_challenge import Purpose, pose, posed
from compliance.views.request_facts import site_of
from compliance.views.respond import Shape, page, signed_in

_ADD: Final = Shape("compliance/security/passkey_add.html")
_RENAME: Final = Shape("compliance/security/passkey.html")
_REMOVE: Final = Shape("compliance/security/passkey_remove.html")
_CODES: Final = Shape("compliance/security/codes.html")
_WRONG: Final = "What the browser made does not fit here, or it was asked too long ago. Try again."
_FULL: Final = f"You have {MOST_PASSKEYS} passkeys: first remove one that you use no more."


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def add(request: HttpRequest) -> HttpResponse:
    """Have the browser make a passkey; the answer to the first one shows, once, the recovery codes."""
    user, now, site = signed_in(request), timezone.now(), site_of(request)
    context: dict[str, object] = {"site": site, "factors": factors_of(user)}
    if site is None:
        return page(request, _ADD, context, now=now, status=409 if request.method == "POST" else 200)
    agent = browser_in_words(request.headers.get("User-Agent", ""))
    form = PasskeyForm(request.POST if request.method == "POST" else None, initial={"name": agent})
    if form.is_valid():
        codes = _keep(request, form, site, now)
        if codes is not None:
            return _added(request, codes, now)
    context |= {"form": form, "options": pose(request, Purpose.ADD, ask_to_make(user, site), now)}
    return page(request, _ADD, context, now=now, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def rename(request: HttpRequest, key: int) -> HttpResponse:
    """Call one by another name."""
    user, now = signed_in(request), timezone.now()
    _, passkey = _found(user, key)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": passkey.name})
    if not form.is_valid():
        context = {"passkey": passkey, "form": form}
        return page(request, _RENAME, context, now=now, status=422 if form.is_bound else 200)
    rename_passkey(user, key, form.cleaned_data["name"], now=now)
    messages.success(request, f"The passkey is called {form.cleaned_data['name']}.")
    return _back()


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def remove(request: HttpRequest, key: int) -> HttpResponse:
    """Take one no more."""
    user, now = signed_in(request), timezone.now()
    factors, passkey = _found(user, key)
    if request.method != "POST":
        is_last = factors.count == 1
        context = {"passkey": passkey, "is_last": is_last, "demanded": is_last and is_demanded_of(user)}
        return page(request, _REMOVE, context, now=now)
    if remove_passkey(user, key, now=now):
        messages.success(request, f"The passkey {passkey.name} lets nobody in any more.")
    return _back()


def _keep(request: HttpRequest, form: PasskeyForm, site: RelyingParty, now: datetime) -> list[str] | None:
    """The recovery codes that come with it, if any; ``None`` where it was not taken, and the form says why."""
    state = posed(request, Purpose.ADD, now)
    made = passkey_made(form.cleaned_data["credential"], state, site) if state else None
    if made is None:
        form.add_error(None, _WRONG)
        return None
    name, session = form.cleaned_data["name"], request.session.session_key or ""
    try:
        return add_passkey(signed_in(request), name, made, now=now, session=session)
    except TooManyPasskeys:
        form.add_error(None, _FULL)
        return None


def _added(request: HttpRequest, codes: list[str], now: datetime) -> HttpResponse:
    if codes:
        return page(request, _CODES, {"fresh": "\n".join(codes), "turned_on": True}, now=now)
    messages.success(request, "The passkey is added. Your recovery codes are those you have.")
    return _back()


def _found(user: User, key: int) -> tuple[Factors, Passkey]:
    factors = factors_of(user)
    passkey = next((each for each in factors.passkeys if each.id == key), None)
    if passkey is None:
        raise Http404
    return factors, passkey


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("settings_security"))
