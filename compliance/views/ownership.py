"""Who owns what: rules in their order, what each would change before it is saved, one repository's owner."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.access import may_manage_people
from compliance.forms.people import OwnershipForm
from compliance.models import OwnershipRule
from compliance.queries.ownership import known_labels, ownership_page, preview_removal, preview_rule, who_owns
from compliance.services.ownership_rules import add_rule, move_rule, remove_rule
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, page, signed_in, wants_part
from compliance.views.rights import needs

_PAGE: Final = Shape("compliance/ownership/page.html", "answers")
_WHOLE: Final = Shape("compliance/ownership/page.html")
_PREVIEW: Final = Shape("compliance/ownership/page.html", "preview")


@require_safe
@needs(may_manage_people)
def index(request: HttpRequest) -> HttpResponse:
    """All rules; htmx asks only who owns a name."""
    if wants_part(request):
        context = {"answers": who_owns(request.GET), "name": request.GET.get("name", "")}
        return page(request, _PAGE, context, now=timezone.now())
    return _page(request, OwnershipForm())


@require_POST
@needs(may_manage_people)
def preview(request: HttpRequest) -> HttpResponse:
    """What the rule in the form would decide, or the end of one; nothing is stored."""
    if removed := request.POST.get("remove", ""):
        row = _found(removed)
        return _page(request, OwnershipForm(), preview=preview_removal(row), removed=row)
    if wants_part(request) and not (request.POST.get("pattern") and request.POST.get("team")):
        return _page(request, OwnershipForm(), incomplete=True)  # somebody is still typing
    form = OwnershipForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    data = form.cleaned_data
    found = preview_rule(form.chosen_registry, data["label"], data["pattern"], data["team"])
    return _page(request, form, preview=found)


@require_POST
@needs(may_manage_people)
def add(request: HttpRequest) -> HttpResponse:
    """Add a rule below all others, so that it counts before them."""
    form = OwnershipForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    data = form.cleaned_data
    row = add_rule(
        data["team"],
        data["pattern"],
        registry=form.chosen_registry,
        label=data["label"],
        by=signed_in(request),
        now=decided_now(),
    )
    messages.success(request, f"Repositories that fit {row.pattern} belong to {row.team} now.")
    return _done()


@require_POST
@needs(may_manage_people)
def remove(request: HttpRequest, rule: int) -> HttpResponse:
    """Take a rule away."""
    row = _found(str(rule))
    remove_rule(row, by=signed_in(request), now=decided_now())
    messages.success(request, f"{row.pattern} no longer gives repositories to {row.team}.")
    return _done()


@require_POST
@needs(may_manage_people)
def move(request: HttpRequest, rule: int) -> HttpResponse:
    """Put a rule one place up or down; of those that fit the lowest counts."""
    row = _found(str(rule))
    step = {"up": -1, "down": 1}.get(request.POST.get("to", ""), 0)
    if step:
        move_rule(row, step, by=signed_in(request), now=decided_now())
    return _done()


def _page(request: HttpRequest, form: OwnershipForm, *, status: int = 200, **more: object) -> HttpResponse:
    context: dict[str, object] = {"form": form, **more}
    if wants_part(request):
        return page(request, _PREVIEW, context, now=timezone.now(), status=status)
    context |= {
        "page": ownership_page(request.GET),
        "answers": who_owns(request.GET),
        "name": request.GET.get("name", ""),
        "labels": known_labels(),
    }
    return page(request, _WHOLE, context, now=timezone.now(), status=status)


def _done() -> HttpResponse:
    return HttpResponseRedirect(reverse("settings_ownership"))


def _found(rule: str) -> OwnershipRule:
    number = int(rule) if rule.isascii() and rule.isdecimal() and len(rule) < 19 else 0
    return get_object_or_404(OwnershipRule.objects.select_related("team", "registry"), pk=number)
