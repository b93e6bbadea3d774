"""One's own API tokens: the list, making one, ending one."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from compliance.forms.api_token import ApiTokenForm
from compliance.queries.api_tokens import tokens_page
from compliance.services.api_tokens import CannotMake, NewToken, make_token, revoke_tokens, stamp_of
from compliance.views.confirmed import is_confirmed, to_confirm
from compliance.views.respond import Shape, page, signed_in

_PAGE: Final = Shape("compliance/tokens/page.html", "results")


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a POST makes one, and its answer is the only one that shows the secret.

    The password is asked for in between. What was entered, no secret among it, goes there and back in the address.
    """
    if request.method != "POST":
        return _page(request, form=ApiTokenForm(initial=ApiTokenForm.again(request.GET)))
    form = ApiTokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    if not is_confirmed(request):
        entered = urlencode(ApiTokenForm.entered(request.POST), doseq=True)
        return to_confirm(f"{reverse('settings_tokens')}?{entered}")
    try:
        made = make_token(signed_in(request), form.wanted, now=timezone.now())
    except CannotMake as obstacle:
        return _page(request, form=form, refused=str(obstacle), status=409)
    return _page(request, made=made)


@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of one's own tokens."""
    if not revoke_tokens(signed_in(request), now=timezone.now(), only=token_id):
        raise Http404("There is no such token of yours that is not revoked already.")
    messages.success(request, "The token is revoked: whatever uses it is turned away from now on.")
    return HttpResponseRedirect(reverse("settings_tokens"))


def _page(
    request: HttpRequest,
    *,
    form: ApiTokenForm | None = None,
    made: NewToken | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    person, now = signed_in(request), timezone.now()
    context = {
        "page": tokens_page(person, request.GET, now=now),
        "form": form or ApiTokenForm(),
        "stamp": stamp_of(person),
        "made": made,
        "refused": refused,
        "site": request.build_absolute_uri("/").rstrip("/"),
    }
    return page(request, _PAGE, context, now=now, status=status)
