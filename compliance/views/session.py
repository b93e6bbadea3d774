"""Logging in and out, and the theme of this browser."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic.edit import FormView
from django_htmx.http import HttpResponseClientRedirect

from compliance.forms.account import LoginForm
from compliance.models import User
from compliance.templatetags.plimsoll import THEMES
from compliance.views.request_facts import site_of
from compliance.views.respond import htmx, of_this_site
from compliance.views.session_limits import begin_limits

_YEAR = 365 * 24 * 3600


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class Login(LoginView):  # type: ignore[misc]  # ships no types
    """The login page. A part that htmx asks for after the session ended sends the whole browser here."""

    form_class = LoginForm
    template_name = "compliance/login/page.html"
    success_url = "/"

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Show the form."""
        if htmx(request):
            here = urlsplit(htmx(request).current_url_abs_path or "/")
            back = f"{here.path}?{here.query}" if here.query else here.path
            return HttpResponseClientRedirect(f"{reverse('login')}?{urlencode({'next': back})}")
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def form_valid(self, form: LoginForm) -> HttpResponse:
        """Begin a session, and say how long it may last."""
        response: HttpResponse = super().form_valid(form)
        if self.request.user.is_authenticated:
            begin_limits(self.request, timezone.now())
        return response

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Where to go on to; who has just installed it is told how to make the first account."""
        context: dict[str, object] = FormView.get_context_data(self, **kwargs)
        more = {"next": self.get_next_url() or "", "nobody": not User.objects.exists(), "site": site_of(self.request)}
        return {**context, **more, "sign_on": settings.SINGLE_SIGN_ON}


@require_POST
@login_not_required
def log_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    get_adapter(request).logout(request)
    return HttpResponseRedirect(reverse("login"))


@require_POST
@login_not_required
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme in a cookie, so that the server renders it and nothing flashes."""
    target = of_this_site(request, request.POST.get("next", ""))
    response = HttpResponse(status=204) if htmx(request) else HttpResponseRedirect(target)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=_YEAR, httponly=True, samesite="Lax", secure=settings.HTTPS)
    return response
