"""``/settings/sla/``: how long there is to fix what, and what other terms would move."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from compliance.access import may_manage_policies
from compliance.forms.sla import SlaForm
from compliance.services.save_terms import TermsPreview, preview_terms, save_terms
from compliance.services.write_findings import sla_terms
from compliance.tasks.wake import ring
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import insist, needs

_PAGE: Final = Shape("compliance/sla/page.html", "preview")
_WHOLE: Final = Shape("compliance/sla/page.html")


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The terms, for everybody to read; who manages policies may save others."""
    terms, now = sla_terms(), timezone.now()
    if request.method != "POST":
        form, waiting = SlaForm(terms=terms), preview_terms(terms, now=now)
        return page(request, _WHOLE, {"form": form, "waiting": waiting.moves}, now=now)
    insist(request, may_manage_policies)
    form = SlaForm(request.POST, terms=terms)
    if not form.is_valid():
        return page(request, _WHOLE, {"form": form}, now=now, status=422)
    wanted = form.terms()
    moves = preview_terms(wanted, now=now)
    more = save_terms(wanted, by=signed_in(request), now=now)
    ring(more)
    messages.success(request, _said(moves, later=bool(more)))
    return HttpResponseRedirect(reverse("settings_sla"))


@require_POST
@needs(may_manage_policies)
def preview(request: HttpRequest) -> HttpResponse:
    """What the terms in the form would move; nothing is stored."""
    now = timezone.now()
    form = SlaForm(request.POST, terms=sla_terms())
    if not form.is_valid():
        return page(request, _PAGE, {"form": form}, now=now, status=422)
    return page(request, _PAGE, {"form": form, "preview": preview_terms(form.terms(), now=now)}, now=now)


def _said(moves: TermsPreview, *, later: bool) -> str:
    what = f"{moves.moves:,} due date{'' if moves.moves == 1 else 's'}"
    if later:
        return f"The terms are saved. {what} move, the last of them within minutes."
    return f"The terms are saved, and {what} moved." if moves.moves else "The terms are saved."
