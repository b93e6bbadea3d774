"""What django-allauth asks us: whether to let somebody in, and what to remember of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from compliance.models import AuditAction, AuditEvent, User
from compliance.services.record_audit import audit
from compliance.views.last_visit import keep_last_visit
from compliance.views.request_facts import client_address

_LONGEST_NAME: Final = 150
KNOWN_FOR: Final = timedelta(days=30)
_PROVED: Final = "password_proved"


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # ships no types
    """Accounts with a user name and a password, made by administrators."""

    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        # The same for who is not known, who is deactivated and whose password is another.
        "username_password_mismatch": "The username or the password is not right.",
        "incorrect_password": "The password is not right.",
        "too_many_login_attempts": "Too many attempts to log in have failed. Wait a while, or ask an administrator.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Administrators make accounts."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """As everywhere."""
        return client_address(request)

    def is_safe_url(self, url: str | None) -> bool:
        """Whether somebody may be sent there after logging in: only to this site."""
        request = self.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def add_message(self, *_args: Any, **_options: Any) -> None:
        """Say nothing: our pages show what was done."""

    def pre_login(self, request: HttpRequest, user: User, **told: Any) -> HttpResponse | None:
        """Remember which password was right: a code does not make up for one that was changed meanwhile."""
        request.session[_PROVED] = user.get_session_auth_hash()
        answer: HttpResponse | None = super().pre_login(request, user, **told)
        return answer

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin a session."""
        request.session.pop(_PROVED, None)
        before = user.last_login
        super().login(request, user)
        keep_last_visit(request, before)
        by: dict[str, object] | None = {"by": "single sign-on"} if came_by_sign_on(request, user) else None
        audit(AuditAction.LOGIN, user, by=user, now=timezone.now(), details=by)

    def logout(self, request: HttpRequest) -> None:
        """End this session, and forget that it was there."""
        if isinstance(request.user, User):
            audit(AuditAction.LOGOUT, request.user, by=request.user, now=timezone.now())
            UserSession.objects.filter(session_key=request.session.session_key).delete()
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write down whose name was tried; whether there is somebody of that name is not said."""
        audit(AuditAction.LOGIN_FAILED, None, by=None, now=timezone.now(), name=credentials["username"][:_LONGEST_NAME])

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, str]]:
        """Who changes how they log in enters the password again."""
        return [{"id": "reauthenticate", "description": "Password", "url": reverse("settings_confirm")}]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """What guesses at one account are counted by.

        From an address where its owner has logged in lately they are counted apart, or whoever guesses from elsewhere
        would lock the owner out.
        """
        name = credentials["username"].lower()
        address = client_address(request)
        owner = User.objects.filter(username__iexact=name).values("pk")
        logins = AuditEvent.objects.filter(action=AuditAction.LOGIN, actor__in=owner, context__ip=address)
        known = logins.filter(at__gt=timezone.now() - KNOWN_FOR).exists()
        return f"{address if known else 'elsewhere'} {name}"


def came_by_sign_on(request: HttpRequest, person: User) -> bool:
    """Whether it was the provider that proved who it is."""
    return any(each.get("method") == "socialaccount" for each in get_authentication_records(request, person))


def may_still_log_in(request: HttpRequest, person: User) -> bool:
    """Whether who gave the right password some minutes ago would be let in with it now."""
    proved = request.session.get(_PROVED, "")
    return person.is_active and constant_time_compare(proved, person.get_session_auth_hash())
