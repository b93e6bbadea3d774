"""What the site runs on, for who keeps it running. The queue is asked apart, so that the page waits for nobody."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.access import may_see_system
from compliance.queries.system import system_page
from compliance.tasks.ask_workers import ask_queue
from compliance.views.respond import Shape, page, wants_part
from compliance.views.rights import needs
from compliance.views.system_text import system_text

_PAGE: Final = Shape("compliance/system/page.html", "queue")


@require_safe
@needs(may_see_system)
def index(request: HttpRequest) -> HttpResponse:
    """The page; its part, and the page without scripts (``?queue=now``), ask the queue and the workers too."""
    now = timezone.now()
    found = system_page(now)
    queue = ask_queue(now) if wants_part(request) or request.GET.get("queue") == "now" else None
    text = system_text(found, queue, now)
    return page(request, _PAGE, {"page": found, "queue": queue, "text": text}, now=now)
