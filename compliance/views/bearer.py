"""Programs that show a token instead of a session, at the addresses that say so and at no others."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec

# The public one counts no GET, and all that tokens are good for is read.
from allauth.core.internal.ratelimit import consume
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from compliance.models import ApiToken, ScopeChoice
from compliance.policy.bearer import names_bearer, secret_in
from compliance.services.api_tokens import Refused, find_token, note_use
from compliance.views.request_facts import client_address

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
Answer = Callable[[HttpRequest], HttpResponse]

_MARK: Final = "takes_token"
_TOKEN: Final = "plimsoll.api_token"
_SECONDS_TO_RETRY: Final = "60"
_TITLES: Final = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}
_REFUSED: Final = {
    Refused.UNKNOWN: ("unknown_token", "There is no such token. Copy it whole, or make another one"),
    Refused.EXPIRED: ("expired_token", "The token has expired. Make another one"),
    Refused.REVOKED: ("revoked_token", "The token was revoked. Make another one"),
    Refused.INACTIVE: ("inactive_person", "Whoever made the token may not log in any more. Make one of your own"),
    Refused.NO_FACTOR: (
        "second_factor_missing",
        "Whoever made the token must have a second factor here, and has none. It is taken again once they set one up",
    ),
}


def leave_sessions_out(get_response: Answer) -> Answer:
    """Forget the cookies of a request that shows a token where tokens are taken: nobody is both, not even by mistake.

    Before sessions are read: so none is used, written or begun for such a request.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if names_bearer(_header(request)) and _is_taken_at(request.path_info):
            request.COOKIES = {}
        return get_response(request)

    return middleware


def takes_token(scope: ScopeChoice, *, or_session: bool = True) -> Callable[[View[P]], View[P]]:
    """Answer whoever shows a token of this scope, as its person.

    :param or_session: whether people with a session are answered as well.
    """

    def decorate(view: View[P]) -> View[P]:
        for_people: View[P] = login_required(view)

        @wraps(view)
        def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if or_session and not names_bearer(_header(request)):
                return for_people(request, *args, **kwargs)
            response = _refusal(request, scope) or view(request, *args, **kwargs)
            patch_vary_headers(response, ["Authorization"])
            return response

        vars(checked)[_MARK] = True
        return login_not_required(checked)

    return decorate


def token_of(request: HttpRequest) -> ApiToken | None:
    """The token that this request was let in by."""
    token: ApiToken | None = request.META.get(_TOKEN)
    return token


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """What happened and what to do, for a program and for whoever reads its log (RFC 9457).

    :param code: the same for all time, unlike the words.
    """
    said = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail, "code": code}
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return JsonResponse(said, status=status, headers=kept, content_type="application/problem+json")


def _header(request: HttpRequest) -> str:
    return request.headers.get("Authorization", "")


def _is_taken_at(path: str) -> bool:
    try:
        return getattr(resolve(path).func, _MARK, False)
    except Resolver404:
        return False


def _refusal(request: HttpRequest, scope: ScopeChoice) -> HttpResponse | None:
    """Why not, or nothing: then the request is its token's person's."""
    header, now = _header(request), timezone.now()
    secret = secret_in(header)
    if not secret:
        return _malformed(request, header)
    found = find_token(secret, now=now)
    if isinstance(found, Refused):
        code, words = _REFUSED[found]
        return _unauthorized(request, code, words, 'error="invalid_token"')
    if scope not in found.scopes:
        words = f"The token may not do this: it lacks the scope {scope.value}. Make one that has it"
        asked = f'Bearer realm="Plimsoll", error="insufficient_scope", scope="{scope.value}"'
        return problem(403, "missing_scope", f"{words} at {_page(request)}.", {"WWW-Authenticate": asked})
    note_use(found, client_address(request), now=now)
    request.user = found.user
    request.META[_TOKEN] = found
    return None


def _malformed(request: HttpRequest, header: str) -> HttpResponse:
    if not names_bearer(header):
        return _unauthorized(request, "no_token", "Send a token as “Authorization: Bearer plim_…”. Make one", "")
    words = "The header is not “Authorization: Bearer plim_…” with one whole token. Make one"
    return _unauthorized(request, "malformed_token", words, 'error="invalid_token"')


def _unauthorized(request: HttpRequest, code: str, words: str, error: str) -> HttpResponse:
    """401, or 429 for an address that was told so often already. A token that is taken is never counted or refused:
    nobody guesses 256 bits, so what is limited is the noise that a broken program makes. It saves no work: to know that
    a token is taken is to look it up, and to count costs more than that."""
    if not consume(request, app="allauth.account", action="token_failed", limit_get=True):
        later = "Too many requests from your address showed no token that is taken. Mend them, and wait a minute."
        return problem(429, "too_many_failures", later, {"Retry-After": _SECONDS_TO_RETRY})
    asked = ", ".join(filter(None, ('Bearer realm="Plimsoll"', error)))
    return problem(401, code, f"{words} at {_page(request)}.", {"WWW-Authenticate": asked})


def _page(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("settings_tokens"))
