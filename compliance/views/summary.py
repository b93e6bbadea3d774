"""``/api/v1/summary``"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from compliance.models import ScopeChoice
from compliance.queries.summary import NotUnderstood, summary
from compliance.views.bearer import problem, takes_token
from compliance.views.rights import actor_of


@csrf_exempt  # nothing is changed by any verb, and a program that posts is told 405 and not of cookies
@require_safe
@takes_token(ScopeChoice.SUMMARY, or_session=False)
def show(request: HttpRequest) -> HttpResponse:
    """What the overview says, for a program."""
    try:
        found = summary(request.GET, actor_of(request), now=timezone.now())
    except NotUnderstood as obstacle:
        return problem(400, "not_understood", obstacle.words)
    return JsonResponse(found, headers={"Cache-Control": "private, no-store"})
