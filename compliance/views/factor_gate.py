"""The one place where a second factor that is demanded is insisted on. For API tokens it is ``services.find_token``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from compliance.models import User
from compliance.queries.factor_rule import lacks_factor
from compliance.queries.lapsed_waivers import lapsed_since
from compliance.views.respond import htmx, signed_in

OPEN: Final = frozenset(
    {
        "settings_security", "settings_factor_app", "settings_passkey_add", "settings_confirm", "settings_profile",
        "logout", "theme", "sign_on", "sign_on_back",
        # These answer whoever is not logged in, too.
        "login", "login_passkey", "mfa_authenticate", "choose_password", "hook", "healthz", "readyz",
    }
)  # fmt: skip
"""The names of all addresses that answer somebody who has yet to set up a second factor."""


class Backend(ModelBackend):
    """Reads who is logged in with what every page asks of them, so that no page asks a query more for it: whether they
    lack what is demanded, and since when what they see reads waived that is not any more.
    """

    def get_user(self, user_id: int) -> User | None:
        """The person of a session."""
        asked = User.objects.annotate(is_held=lacks_factor(), since=lapsed_since(timezone.now()))
        person = asked.filter(pk=user_id).first()
        if person is None or not self.user_can_authenticate(person):
            return None
        person.lacks_factor, person.lapsed_since = person.is_held, person.since
        return person


class DemandFactor:
    """Leads whoever lacks one to where it is set up; asked anew with each request, so it counts at once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Decide when the address is known."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Answer instead of a view that is not ``OPEN``."""
        match = request.resolver_match
        if (
            (match and match.url_name in OPEN)
            or not request.user.is_authenticated
            or not signed_in(request).lacks_factor
        ):
            return None
        target = reverse("settings_security")
        return HttpResponseClientRedirect(target) if htmx(request) else HttpResponseRedirect(target)
