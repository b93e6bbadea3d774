"""Pushes that registries announce: the log, one delivery, the endpoint of one registry."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_manage_registries, may_see_operations
from compliance.forms.webhook import ProductForm, RotateForm
from compliance.models import InboundEvent, Registry, WebhookEndpoint
from compliance.models.encryption import CredentialKeyMissing
from compliance.queries.delivery import delivery_page
from compliance.queries.webhook_log import webhook_log
from compliance.queries.webhook_setup import stamp_of, webhook_page
from compliance.services.webhook_endpoints import (
    CannotReplay,
    make_endpoint,
    remove_endpoint,
    replay_event,
    rotate_secret,
    send_test_event,
    set_enabled,
    suggested_product,
)
from compliance.tasks.wake import ring
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import insist, needs

_LOG = Shape("compliance/webhooks/page.html", "results")
_DELIVERY = Shape("compliance/delivery/page.html")
_WEBHOOK = Shape("compliance/webhook/page.html")
_DONE_ALREADY = "This was done already. A secret is shown once: rotate it to get a new one."


@require_safe
@needs(may_see_operations)
def index(request: HttpRequest) -> HttpResponse:
    """What registries sent, filtered."""
    now = timezone.now()
    return page(request, _LOG, {"page": webhook_log(request.GET, now=now)}, now=now)


@require_safe
@needs(may_see_operations)
def show(request: HttpRequest, event_id: int) -> HttpResponse:
    """One delivery."""
    found = delivery_page(event_id, request.GET.get("page", ""))
    if found is None:
        raise Http404("There is no such delivery. They are kept for a while only.")
    return page(request, _DELIVERY, {"page": found}, now=timezone.now())


@require_POST
@needs(may_manage_registries)
def replay(request: HttpRequest, event_id: int) -> HttpResponse:
    """Do a delivery again."""
    try:
        accepted = replay_event(event_id, now=timezone.now())
    except (CannotReplay, CredentialKeyMissing) as obstacle:
        messages.error(request, str(obstacle))
        return HttpResponseRedirect(reverse("delivery", args=[event_id]))
    ring(accepted.wake_ups)
    messages.success(request, f"Delivery #{event_id} was done again, as this one.")
    return HttpResponseRedirect(reverse("delivery", args=[accepted.event_id]))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_see_operations)
def webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """The endpoint of a registry; a POST makes one, or replaces the one there is."""
    registry = _registry(slug)
    if request.method != "POST":
        return _page(request, registry)
    insist(request, may_manage_registries)
    form = ProductForm(request.POST)
    if not form.is_valid() or registry.is_local:
        return _page(request, registry, status=422, product_form=form)
    if request.POST.get("stamp", "") != stamp_of(_endpoint(registry)):
        return _again(request, registry)
    product = form.cleaned_data["product"]
    made = make_endpoint(registry, product, now=timezone.now(), by=signed_in(request))
    return _page(request, registry, secret=made.secret)


@require_POST
@needs(may_manage_registries)
def rotate(request: HttpRequest, slug: str) -> HttpResponse:
    """Give an endpoint a new secret, which this answer shows and no other."""
    registry, endpoint = _with_endpoint(slug)
    form = RotateForm(request.POST)
    if not form.is_valid():
        return _page(request, registry, status=422, rotate_form=form)
    if request.POST.get("stamp", "") != stamp_of(endpoint):
        return _again(request, registry)
    made = rotate_secret(endpoint, hours=form.cleaned_data["hours"], now=timezone.now(), by=signed_in(request))
    return _page(request, registry, secret=made.secret)


@require_POST
@needs(may_manage_registries)
def enable(request: HttpRequest, slug: str) -> HttpResponse:
    """Let an endpoint accept what comes, or turn it away."""
    registry, endpoint = _with_endpoint(slug)
    enabled = request.POST.get("enabled") == "yes"
    set_enabled(endpoint, enabled)
    words = "Pushes are accepted again." if enabled else "Every request to this address is turned away from now on."
    messages.success(request, words)
    return _back(registry)


@require_POST
@needs(may_manage_registries)
def test(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the endpoint take a request as its product documents it; nothing is scanned for it."""
    registry, endpoint = _with_endpoint(slug)
    try:
        accepted = send_test_event(endpoint, now=timezone.now())
    except CredentialKeyMissing as obstacle:
        messages.error(request, f"The test could not be made. {obstacle}")
        return _back(registry)
    if accepted is None:
        messages.error(request, f"The test was turned away, as the registry's requests are: {_why(endpoint)}")
        return _back(registry)
    found = InboundEvent.objects.only("outcome", "reason").get(pk=accepted.event_id)
    tell = messages.success if found.outcome == InboundEvent.Outcome.IGNORED else messages.warning
    words = f"The request proved itself and was stored as delivery #{found.pk}. {found.reason}."
    tell(request, f"{words} Nothing is scanned for it.")
    return _back(registry)


@require_POST
@needs(may_manage_registries)
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget an endpoint; what came to it stays in the log."""
    registry, endpoint = _with_endpoint(slug)
    remove_endpoint(endpoint)
    messages.success(request, "The endpoint is gone. What changes is found by scans from now on.")
    return _back(registry)


def _page(
    request: HttpRequest,
    registry: Registry,
    *,
    status: int = 200,
    secret: str = "",
    product_form: ProductForm | None = None,
    rotate_form: RotateForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    site = request.build_absolute_uri(reverse("hook")).removesuffix("/hooks")
    found = webhook_page(registry, site, now=now, secret=secret)
    suggested = found.endpoint.product if found.endpoint else suggested_product(registry)
    context = {
        "page": found,
        "secret": secret,
        "product_form": product_form or ProductForm(suggested=suggested),
        "rotate_form": rotate_form or RotateForm(),
        "rotating": rotate_form is not None,
        "replacing": product_form is not None,
    }
    return page(request, _WEBHOOK, context, now=now, status=status)


def _again(request: HttpRequest, registry: Registry) -> HttpResponse:
    """A form that was sent twice, or from a page that is no longer true."""
    messages.warning(request, _DONE_ALREADY)
    return _back(registry)


def _back(registry: Registry) -> HttpResponse:
    return HttpResponseRedirect(reverse("registry_webhook", args=[registry.slug]))


def _why(endpoint: WebhookEndpoint) -> str:
    endpoint.refresh_from_db(fields=["enabled", "rejected_reason"])
    return endpoint.rejected_reason if endpoint.enabled else "The endpoint is disabled."


def _registry(slug: str) -> Registry:
    return get_object_or_404(Registry, slug=slug)


def _endpoint(registry: Registry) -> WebhookEndpoint | None:
    return WebhookEndpoint.objects.filter(registry=registry).first()


def _with_endpoint(slug: str) -> tuple[Registry, WebhookEndpoint]:
    registry = _registry(slug)
    endpoint = _endpoint(registry)
    if endpoint is None:
        raise Http404("This registry has no endpoint.")
    return registry, endpoint
