"""The password once more, before somebody at an unlocked screen gets what outlasts the session."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.views import ReauthenticateView
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from compliance.forms.second_factor import ConfirmForm
from compliance.queries.sign_on import is_connected
from compliance.views.respond import signed_in

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the password was entered again within five minutes, here or at the provider of single sign-on.

    django-allauth would take those for confirmed who have no password here.
    """
    records = [each for each in get_authentication_records(request, signed_in(request)) if each.get("reauthenticated")]
    return bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


def to_confirm(address: str) -> HttpResponse:
    """Ask for the password, and go on to an address of this site."""
    return HttpResponseRedirect(f"{reverse('settings_confirm')}?{urlencode({'next': address})}")


def confirmed(view: View[P]) -> View[P]:
    """Ask for the password first, unless that was done."""

    @wraps(view)
    def asking(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return view(request, *args, **kwargs) if is_confirmed(request) else to_confirm(request.path)

    return asking


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
@method_decorator(sensitive_post_parameters(), name="dispatch")
@method_decorator(never_cache, name="dispatch")
class Confirm(ReauthenticateView):  # type: ignore[misc]  # ships no types
    """The page that asks."""

    form_class = ConfirmForm
    template_name = "compliance/security/confirm.html"
    success_url = reverse_lazy("settings_security")

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Whoever thinks better of it goes back to where they came from."""
        context: dict[str, object] = super().get_context_data(**kwargs)
        tokens = reverse("settings_tokens")
        is_token = urlsplit(self.get_next_url() or "").path == tokens
        person = signed_in(self.request)
        context["back"] = tokens if is_token else reverse("settings_security")
        context["has_password"] = person.has_usable_password()
        context["sign_on"] = settings.SINGLE_SIGN_ON if is_connected(person) else None
        return {**context, "is_token": is_token, "next": self.get_next_url() or context["back"]}
