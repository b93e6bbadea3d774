"""Registries: the list, one registry, adding and editing with a connection test."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.forms.registry import RegistryForm
from compliance.models import Registry
from compliance.queries.registries import list_registries, registry_page
from compliance.services.check_registry import check_registry
from compliance.services.request_rejudge import waiting_rejudgings
from compliance.services.save_registry import save_registry
from compliance.tasks.wake import ring
from compliance.views.respond import Shape, page, signed_in, staff_only
from scanner.domain.problems import ScanProblem
from scanner.sources.registry.diagnosis import Step, StepState

_LIST = Shape("compliance/registries/page.html")
_REGISTRY = Shape("compliance/registry/page.html")
_FORM = Shape("compliance/registry_form/page.html", "ladder")
_WHOLE_FORM = Shape("compliance/registry_form/page.html")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All registries."""
    state, rows = list_registries(request.GET)
    return page(request, _LIST, {"rows": rows, "state": state}, now=timezone.now())


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One registry."""
    found = registry_page(slug)
    if found is None:
        raise Http404("There is no such registry.")
    return page(request, _REGISTRY, {"page": found}, now=timezone.now())


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a registry."""
    staff_only(request)
    return _edit(request, None)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a registry."""
    staff_only(request)
    return _edit(request, _find(slug))


@sensitive_post_parameters("password")
@require_POST
def try_connection(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Try what is in the form, saved or not, and show each step; nothing is stored."""
    staff_only(request)
    registry = _find(slug) if slug else None
    form = RegistryForm(request.POST, registry=registry)
    steps = tuple(_try(form, registry)) if form.is_valid() else ()
    broken = next((step for step in steps if step.state is StepState.FAILED), None)
    context = {"form": form, "registry": registry, "steps": steps, "broken": broken, "tested": True}
    return page(request, _FORM, context, now=timezone.now(), status=200 if form.is_valid() else 422)


def _edit(request: HttpRequest, registry: Registry | None) -> HttpResponse:
    now = timezone.now()
    if request.method != "POST":
        return page(request, _WHOLE_FORM, {"form": RegistryForm(registry=registry), "registry": registry}, now=now)
    form = RegistryForm(request.POST, registry=registry)
    if not form.is_valid():
        return page(request, _WHOLE_FORM, {"form": form, "registry": registry}, now=now, status=422)
    row = save_registry(form.values(), now=now, registry=registry, by=signed_in(request))
    ring(waiting_rejudgings())  # another policy counts at once
    messages.success(request, f"{row.name} was saved." if registry else f"{row.name} was added.")
    return HttpResponseRedirect(reverse("registry", args=[row.slug]))


def _try(form: RegistryForm, registry: Registry | None) -> Iterable[Step]:
    try:
        return tuple(check_registry(form.values(), registry))
    except ScanProblem as problem:
        return (Step("credential", StepState.FAILED, 0, problem.message, problem.remedy, problem.code),)


def _find(slug: str) -> Registry:
    return get_object_or_404(Registry.objects.select_related("policy", "credential_set_by"), slug=slug)
