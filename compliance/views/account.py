"""One's own account: the password, and the sessions that are open."""

from __future__ import annotations

from typing import Any, Final

from allauth.core.ratelimit import consume_or_429
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.models import AuditAction, User
from compliance.queries.sessions import sessions_page
from compliance.services.end_sessions import end_sessions
from compliance.services.record_audit import audit
from compliance.views.respond import Shape, page, signed_in

_SESSIONS: Final = Shape("compliance/sessions/page.html")
_PASSWORD: Final = Shape("compliance/password/page.html")
_LONGEST_ID: Final = 18


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
@method_decorator(login_not_required, name="dispatch")
class ChoosePassword(PasswordResetConfirmView):
    """Where a link of ``services.invite`` leads: its secret is put into the session and out of the address."""

    template_name = "compliance/welcome/page.html"
    success_url = reverse_lazy("login")

    def get_user(self, uidb64: str) -> Any:
        """Whose link it is; nobody deactivated gets in by an old one."""
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active else None

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        """Keep the password; every session of before it is over."""
        answer: HttpResponse = super().form_valid(form)
        now = timezone.now()
        audit(AuditAction.PASSWORD_SET, form.user, by=form.user, now=now, details={"by": "link"})
        end_sessions(form.user, by=form.user, now=now)
        messages.success(self.request, "The password is set. Log in with it.")
        return answer


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Another password; all other sessions end."""
    user, now = signed_in(request), timezone.now()
    if request.method != "POST":
        return page(request, _PASSWORD, {"form": PasswordChangeForm(user)}, now=now)
    refusal: HttpResponse | None = consume_or_429(request, action="change_password", user=user)
    if refusal is not None:
        return refusal
    form = PasswordChangeForm(user, request.POST)
    if not form.is_valid():
        return page(request, _PASSWORD, {"form": form}, now=now, status=422)
    form.save()
    audit(AuditAction.PASSWORD_SET, user, by=user, now=now)
    end_sessions(user, by=user, now=now, but=request.session.session_key or "")
    _go_on(request, user)
    messages.success(request, "The password is changed. All other sessions have ended.")
    return HttpResponseRedirect(reverse("settings_sessions"))


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Where somebody is logged in."""
    found = sessions_page(signed_in(request), request.session.session_key or "")
    return page(request, _SESSIONS, {"page": found}, now=timezone.now())


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End one session of one's own, or all but this one."""
    user, now = signed_in(request), timezone.now()
    wanted = request.POST.get("session", "")
    key = request.session.session_key or ""
    if wanted == "others":
        ended = end_sessions(user, by=user, now=now, but=key)
    elif wanted.isascii() and wanted.isdecimal() and len(wanted) <= _LONGEST_ID:
        ended = end_sessions(user, by=user, now=now, only=int(wanted), but=key)
    else:
        ended = 0
    words = {0: "There was no such session.", 1: "The session has ended."}
    messages.info(request, words.get(ended, f"{ended} sessions have ended."))
    return HttpResponseRedirect(reverse("settings_sessions"))


def _go_on(request: HttpRequest, user: User) -> None:
    """Keep this session, under another key and bound to the new password."""
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    update_session_auth_hash(request, user)
    request.session.save()
    UserSession.objects.create_from_request(request)
