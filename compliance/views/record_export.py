"""That somebody took a file is a line of the audit trail."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from compliance.models import AuditAction, AuditEvent
from compliance.services.record_audit import audit
from compliance.views.bearer import token_of
from compliance.views.request_facts import recorded
from compliance.views.respond import signed_in

_LONGEST_FILTER = 2_000


def record_export(
    request: HttpRequest, name: str, kind: str, rows: int, *, now: datetime, asked: str | None = None
) -> AuditEvent:
    """Write down who takes what, in which format, how many rows and from where: a GET says nothing of that by itself.

    :param asked: the address of the list, where it is not the query string of the file's.
    """
    told = request.META.get("QUERY_STRING", "") if asked is None else asked
    token = token_of(request)
    by_token = {"token": str(token)} if token else {}
    with recorded(request):
        return audit(
            AuditAction.EXPORTED,
            None,
            by=signed_in(request),
            now=now,
            name=name,
            details={"format": kind, "filter": told[:_LONGEST_FILTER], "rows": rows, **by_token},
        )
