"""Setting and clearing what a repository is held to."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from compliance.queries.repository import find_repository
from compliance.services.set_baseline import clear_baseline, set_baseline
from compliance.services.write_findings import NotAllowed
from compliance.views.respond import signed_in


@require_POST
def change(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Set the baseline to now, or clear it."""
    user, now = signed_in(request), timezone.now()
    header = find_repository(slug, name, user.actor)
    if header is None:
        raise Http404("There is no such repository.")
    try:
        if request.POST.get("do") == "clear":
            count = clear_baseline(header.id, by=user, now=now)
            said = f"The baseline is cleared: {count:,} finding{'' if count == 1 else 's'} due by the terms again."
        else:
            count = set_baseline(header.id, by=user, now=now)
            said = f"The baseline is set: {count:,} finding{'' if count == 1 else 's'} joined it."
    except NotAllowed as error:
        raise PermissionDenied("Only a lead of the team, or somebody of security, sets a baseline.") from error
    messages.success(request, said)
    return HttpResponseRedirect(reverse("repository_owner", args=[slug, name]) + "#t-baseline")
