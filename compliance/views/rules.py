"""Rules, read-only."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.rules import list_rules, rule_page
from compliance.views.respond import Shape, page
from compliance.views.rights import actor_of
from scanner.domain.score import FORMULA

_RULES = Shape("compliance/rules/page.html")
_RULE = Shape("compliance/rule/page.html")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The rulebook."""
    return page(request, _RULES, {"groups": list_rules(actor_of(request)), "formula": FORMULA}, now=timezone.now())


@require_safe
def show(request: HttpRequest, rule_id: str) -> HttpResponse:
    """One rule."""
    found = rule_page(rule_id, actor_of(request))
    if found is None:
        raise Http404("There is no such rule.")
    return page(request, _RULE, {"page": found}, now=timezone.now())
