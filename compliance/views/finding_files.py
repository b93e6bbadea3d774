"""The inbox as files, and its queries under names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.access import may_share_views
from compliance.models import AuditAction, SavedView
from compliance.queries.filters import choice_of, text_of
from compliance.queries.finding_export import export_findings, filters_in_words
from compliance.queries.finding_filter import address, params_of, read_filter, read_view
from compliance.remediation.finding_formats import Said, as_csv, as_markdown, as_ndjson, as_sarif_log
from compliance.services.record_audit import audit
from compliance.services.save_view import CannotSave, save_view
from compliance.views.respond import signed_in

FORMATS: dict[str, tuple[str, str]] = {
    "csv": ("CSV", "text/csv"),
    "ndjson": ("JSON lines", "application/x-ndjson"),
    "sarif": ("SARIF", "application/sarif+json"),
    "md": ("Markdown summary", "text/markdown"),
}
_PIECE = 64 * 1024


@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """Exactly the findings of the list at the same address, on all its pages."""
    user, now, params = signed_in(request), timezone.now(), request.GET.dict()
    wanted, view = read_filter(params), read_view(params)
    here = reverse("findings") + address(wanted, view)
    if wanted.problems:  # the list says what was not understood
        return HttpResponseRedirect(f"{reverse('findings')}?{urlencode({'q': params.get('q', '')[:500]})}")
    kind = choice_of(params, "format", FORMATS) or "csv"
    audit(
        AuditAction.EXPORTED, None, by=user, now=now, name="findings", details={"format": kind, "filter": here[:2_000]}
    )
    rows = export_findings(params, user.actor, now=now)
    said = Said(filters_in_words(wanted), request.build_absolute_uri(here), now)
    if kind == "csv":
        lines = as_csv(rows)
    elif kind == "ndjson":
        lines = as_ndjson(rows)
    else:
        lines = as_sarif_log(rows, said) if kind == "sarif" else as_markdown(rows, said)
    response = StreamingHttpResponse(_pieces(lines), content_type=f"{FORMATS[kind][1]}; charset=utf-8")
    name = f"findings-{wanted.tab}-{sha256(wanted.query.encode()).hexdigest()[:8]}-{now:%Y%m%dT%H%M%SZ}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Few large writes instead of one for each line."""
    held = bytearray()
    for line in lines:
        held += line.encode()
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held)


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep a query of the inbox under a name; the same name again means the new one."""
    user = signed_in(request)
    params = params_of(request.POST.get("back", ""))
    query = address(read_filter(params), read_view(params))[1:]
    shared = bool(request.POST.get("shared")) and may_share_views(user.actor)
    try:
        view = save_view(text_of(request.POST, "name"), query, by=user, shared=shared)
    except CannotSave as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"“{view.name}” is among the tabs now.")
    return HttpResponseRedirect(f"{reverse('findings')}?{query}")


@require_POST
def forget(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete a query of one's own."""
    view = SavedView.objects.filter(pk=view_id, by=signed_in(request)).first()
    if view is None:
        raise Http404("There is no such view of yours.")
    view.delete()
    messages.success(request, f"“{view.name}” was deleted.")
    return HttpResponseRedirect(reverse("findings"))
