"""Registries: the list, one registry, adding and editing with a connection test."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_manage_registries, may_scan_registries, may_see_operations
from compliance.forms.registry import SECRETS, RegistryForm
from compliance.forms.registry_sections import FIELDS, parts_of, problems, zones
from compliance.models import Registry
from compliance.queries.registries import STATES, list_registries, registry_page, what_goes
from compliance.queries.registry_values import upcoming
from compliance.queries.scope_preview import scope_preview
from compliance.services.check_registry import check_registry
from compliance.services.delete_registry import delete_registry
from compliance.services.detect_product import settle_product
from compliance.services.pause_registry import resume_registry
from compliance.services.request_rejudge import waiting_rejudgings
from compliance.services.save_registry import save_registry
from compliance.tasks.wake import ring
from compliance.views.ladder import Climbed, stream_steps
from compliance.views.respond import Shape, page, signed_in, wants_part
from compliance.views.rights import needs
from scanner.domain.problems import ScanProblem
from scanner.sources.registry.diagnosis import Step, StepState

_LIST = Shape("compliance/registries/page.html")
_REGISTRY = Shape("compliance/registry/page.html")
_DELETE = Shape("compliance/registry_delete/page.html")
_FORM = Shape("compliance/registry_form/page.html")
_LADDER = Shape("compliance/registry_form/page.html", "ladder")
_LISTING = Shape("compliance/registry_form/page.html", "listing")
_SCOPE = Shape("compliance/registry_form/page.html", "scope_preview")
_RUNS = Shape("compliance/registry_form/page.html", "runs")
_SECRET = sensitive_post_parameters(*SECRETS)


@require_safe
@needs(may_see_operations)
def index(request: HttpRequest) -> HttpResponse:
    """All registries."""
    now = timezone.now()
    state, rows = list_registries(request.GET, now=now)
    return page(request, _LIST, {"rows": rows, "state": STATES.get(state, "")}, now=now)


@require_safe
@needs(may_see_operations)
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One registry."""
    now = timezone.now()
    found = registry_page(slug, now=now)
    if found is None:
        raise Http404("There is no such registry.")
    return page(request, _REGISTRY, {"page": found}, now=now)


@require_POST
@needs(may_scan_registries)
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask a registry again that is left alone for a while; whoever may scan may do that."""
    registry = _find(slug)
    ring(resume_registry(registry))
    messages.success(request, f"{registry.name} is asked again. If it still fails, the pause returns.")
    return HttpResponseRedirect(reverse("registry", args=[registry.slug]))


@_SECRET
@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_registries)
def new(request: HttpRequest) -> HttpResponse:
    """Add a registry."""
    return _edit(request, None)


@_SECRET
@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_registries)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a registry."""
    return _edit(request, _find(slug))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_registries)
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete a registry, after its name was written."""
    registry = _find(slug)
    if request.method == "POST" and request.POST.get("name") == registry.name:
        delete_registry(registry, by=signed_in(request))
        messages.success(request, f"{registry.name} was deleted.")
        return HttpResponseRedirect(reverse("registries"))
    wrong = "This is not its name." if request.method == "POST" else ""
    context = {"registry": registry, "counts": what_goes(registry), "wrong": wrong}
    return page(request, _DELETE, context, now=timezone.now(), status=422 if wrong else 200)


@_SECRET
@require_POST
@needs(may_manage_registries)
def try_connection(request: HttpRequest, slug: str = "") -> HttpResponseBase:
    """Try what is in the form, saved or not, and show each step as it is done; nothing is stored."""
    now, registry = timezone.now(), _find(slug) if slug else None
    form = RegistryForm(request.POST, now=now, registry=registry)
    if not form.is_valid():
        extra = {"tested": True, "problems": tuple(problems(form))}
        return page(request, _LADDER, _context(form, **extra), now=now, status=422)
    steps = _try(form, registry)
    if wants_part(request):
        return stream_steps(steps)
    climbed = Climbed(tuple(steps))
    extra = {"steps": climbed.steps, "broken": climbed.broken, "warned": climbed.warned}
    return page(request, _FORM, _context(form, **extra), now=now)


@_SECRET
@require_POST
@needs(may_manage_registries)
def listing(request: HttpRequest) -> HttpResponse:
    """What the product that is chosen wants to know, while the form is filled in."""
    return _part(request, _LISTING)


@_SECRET
@require_POST
@needs(may_manage_registries)
def runs(request: HttpRequest) -> HttpResponse:
    """When scans would begin with the schedule that is being entered."""
    return _part(request, _RUNS)


@_SECRET
@require_POST
@needs(may_manage_registries)
def scope(request: HttpRequest) -> HttpResponse:
    """What the scope that is being entered would let through, of what is stored."""
    form = _half_filled(request)
    preview = None
    if not form.errors.keys() & {*FIELDS["scope"], "protected_tags"}:
        protected = form.cleaned_data["protected_tags"]
        preview = scope_preview(form.registry, form.scope(), protected, now=form.now)
    matches = (("repositories", preview.repositories), ("tags of them", preview.tags)) if preview else ()
    extra = {"preview": preview, "matches": matches, "tested_scope": True, "scope_fields": FIELDS["scope"]}
    return page(request, _SCOPE, _context(form, **extra), now=form.now)


def _part(request: HttpRequest, shape: Shape) -> HttpResponse:
    form = _half_filled(request)
    return page(request, shape, _context(form), now=form.now)


def _half_filled(request: HttpRequest) -> RegistryForm:
    """The form while somebody is filling it in, read as far as it can be."""
    slug = request.POST.get("registry", "")
    form = RegistryForm(request.POST, now=timezone.now(), registry=_find(slug) if slug else None)
    form.is_valid()
    return form


def _edit(request: HttpRequest, registry: Registry | None) -> HttpResponse:
    now = timezone.now()
    if request.method != "POST":
        return page(request, _FORM, _context(RegistryForm(now=now, registry=registry)), now=now)
    form = RegistryForm(request.POST, now=now, registry=registry)
    if not form.is_valid():
        return page(request, _FORM, _context(form), now=now, status=422)
    row = save_registry(form.values(), now=now, registry=registry, by=signed_in(request))
    if form.detects:
        settle_product(row)
    ring(waiting_rejudgings())  # another policy counts at once
    messages.success(request, f"{row.name} was saved." if registry else f"{row.name} was added.")
    return HttpResponseRedirect(reverse("registry", args=[row.slug]))


def _context(form: RegistryForm, **more: object) -> dict[str, object]:
    values, registry = form.shown, form.registry
    due = upcoming(values.schedule, form.now, registry.slug if registry else "") if values.enabled else ()
    common = {"form": form, "registry": registry, "parts": parts_of(form), "zones": zones(), "runs": due}
    return {**common, **more}


def _try(form: RegistryForm, registry: Registry | None) -> Iterator[Step]:
    try:
        yield from check_registry(form.values(), registry)
    except ScanProblem as problem:
        yield Step("credential", StepState.FAILED, 0, problem.message, problem.remedy, problem.code)


def _find(slug: str) -> Registry:
    return get_object_or_404(Registry.objects.select_related("policy", "credential_set_by"), slug=slug)
