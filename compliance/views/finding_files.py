"""The inbox as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.access import Actor
from compliance.models import ScopeChoice
from compliance.queries.filters import choice_of
from compliance.queries.finding_export import export_findings, filters_in_words, first_findings, tally_findings
from compliance.queries.finding_filter import address, read_filter, read_view
from compliance.queries.findings import select_findings
from compliance.remediation.finding_formats import MOST_LISTED, Said, as_csv, as_markdown, as_ndjson, as_sarif_log
from compliance.views.bearer import problem, takes_token, token_of
from compliance.views.record_export import record_export
from compliance.views.respond import asked, signed_in

FORMATS: dict[str, tuple[str, str]] = {
    "csv": ("CSV", "text/csv"),
    "ndjson": ("JSON lines", "application/x-ndjson"),
    "sarif": ("SARIF", "application/sarif+json"),
    "md": ("Markdown summary", "text/markdown"),
}
_PIECE = 64 * 1024


@require_safe
@takes_token(ScopeChoice.FINDINGS)
def export(request: HttpRequest) -> HttpResponseBase:
    """Exactly the findings of the list at the same address, on all its pages."""
    user, now, params = signed_in(request), timezone.now(), asked(request)
    wanted, view = read_filter(params), read_view(params)
    here = reverse("findings") + address(wanted, view)
    if wanted.problems and token_of(request):
        return problem(400, "not_understood", " ".join(wanted.problems))
    if wanted.problems:  # the list says what was not understood
        typed = {name: params[name][:500] for name in ("q", "label") if params.get(name)}
        return HttpResponseRedirect(f"{reverse('findings')}?{urlencode(typed)}")
    kind = choice_of(params, "format", FORMATS) or "csv"
    count = select_findings(params, user.actor, now=now).count()
    record_export(request, "findings", kind, count, now=now, asked=address(wanted, view)[1:])
    said = Said(filters_in_words(wanted), request.build_absolute_uri(here), now)
    lines = _lines(kind, params, user.actor, said)
    response = StreamingHttpResponse(_pieces(lines), content_type=f"{FORMATS[kind][1]}; charset=utf-8")
    name = f"findings-{wanted.tab}-{sha256(wanted.query.encode()).hexdigest()[:8]}-{now:%Y%m%dT%H%M%SZ}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _lines(kind: str, params: Mapping[str, str], actor: Actor, said: Said) -> Iterable[str]:
    if kind == "md":
        first = first_findings(params, actor, MOST_LISTED, now=said.at)
        return as_markdown(tally_findings(params, actor, now=said.at), first, said)
    rows = export_findings(params, actor, now=said.at)
    if kind == "sarif":
        return as_sarif_log(rows, said)
    return as_ndjson(rows) if kind == "ndjson" else as_csv(rows)


def _pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Few large writes instead of one for each line."""
    held = bytearray()
    for line in lines:
        held += line.encode()
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held)
