"""Who must have a second factor: what a choice does to whom is said before it is saved."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from compliance.access import DEMANDED_OF, Demand, Role, may_manage_people
from compliance.forms.factor_rule import FactorRuleForm
from compliance.models import DemandChoice
from compliance.queries.factor_rule import FactorPage, factor_page
from compliance.queries.security import factors_of
from compliance.services.demand_factor import demand_factor
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import needs

_PAGE: Final = Shape("compliance/factor_rule/page.html")


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_people)
def index(request: HttpRequest) -> HttpResponse:
    """Choose, and confirm it."""
    found = factor_page()
    form = FactorRuleForm(request.POST if request.method == "POST" else None, initial={"demand": found.demand})
    if not form.is_valid():
        return _answer(request, found, form, status=422 if form.is_bound else 200)
    step, confirmed = f"{found.demand}-{form.wanted}", request.POST.get("confirmed", "")
    if form.wanted == found.demand:
        messages.info(request, "Nothing was changed: this is what counts already.")
    elif confirmed == step and demand_factor(form.wanted, was=found.demand):
        messages.success(request, "Who must have a second factor is saved, and counts from now on.")
    else:
        asked = {"step": step, **_consequences(request, found, form.wanted)}
        return _answer(request, found, form, asked=asked, status=409 if confirmed else 200)
    return HttpResponseRedirect(reverse("settings_factors"))


def _consequences(request: HttpRequest, found: FactorPage, wanted: Demand) -> dict[str, object]:
    """Whom a choice holds up who is not held up today."""
    more = DEMANDED_OF[wanted] - DEMANDED_OF[found.demand]
    person = signed_in(request)
    return {
        "wanted": wanted,
        "label": DemandChoice(wanted).label.partition(":")[0],
        "without": [each for each in found.roles if each.role in more and each.without],
        "fewer": not more,
        "oneself": Role(person.role) in more and factors_of(person).since is None,
    }


def _answer(
    request: HttpRequest, found: FactorPage, form: FactorRuleForm, *, asked: object = None, status: int = 200
) -> HttpResponse:
    """The page; with ``asked`` it asks whether that is meant."""
    shown = {"page": found, "form": form, "asked": asked, "counts": DemandChoice(found.demand).label.partition(":")[0]}
    return page(request, _PAGE, shown, now=timezone.now(), status=status)
