"""What groups of single sign-on give: rows that are added, changed and removed, and whom each would reach."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from compliance.access import may_manage_people
from compliance.forms.group_map import GrantForm
from compliance.models import GroupGrant, GroupRoleChoice
from compliance.queries.filters import number_of
from compliance.queries.group_map import group_map
from compliance.queries.sign_on import people_with
from compliance.services.group_grants import GrantThere, remove_grant, save_grant
from compliance.views.respond import Shape, page
from compliance.views.rights import needs

_PAGE: Final = Shape("compliance/group_map/page.html")


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_people)
def index(request: HttpRequest) -> HttpResponse:
    """The map; a POST looks at a row before it is saved, saves or removes it."""
    if request.method != "POST":
        return _page(request)
    if "remove" in request.POST:
        row = get_object_or_404(GroupGrant, pk=number_of(request.POST, "remove") or 0)
        gives = row.get_role_display().partition(":")[0] + (f" {row.team}" if row.team else "")
        remove_grant(row)
        words = f"{row} gives {gives} no more. It is taken from people when they log in the next time."
        messages.success(request, words)
        return HttpResponseRedirect(reverse("settings_sign_on"))
    form = GrantForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    if "preview" in request.POST:
        group = form.cleaned_data["group"]
        return _page(request, form, preview={"group": group, "people": people_with([group]).get(group, 0)})
    return _save(request, form)


def _save(request: HttpRequest, form: GrantForm) -> HttpResponse:
    data, number = form.cleaned_data, number_of(request.POST, "row")
    row = get_object_or_404(GroupGrant, pk=number) if number else None
    try:
        saved = save_grant(row, data["group"], data["team"], GroupRoleChoice(data["role"]))
    except GrantThere:
        form.add_error("group", "Another row says what this group gives there: change that one.")
        return _page(request, form, status=409)
    messages.success(request, f"What {saved} gives is saved. It counts for people when they log in the next time.")
    return HttpResponseRedirect(reverse("settings_sign_on"))


def _page(
    request: HttpRequest, form: GrantForm | None = None, *, preview: dict[str, object] | None = None, status: int = 200
) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    found = group_map({"page": request.GET.get("page", ""), "row": asked.get("row", "")})
    context = {
        "page": found,
        "form": form or GrantForm(row=found.chosen),
        "preview": preview,
        "sign_on": settings.SINGLE_SIGN_ON,
        "callback": request.build_absolute_uri(reverse("sign_on_back")),
    }
    return page(request, _PAGE, context, now=timezone.now(), status=status)
