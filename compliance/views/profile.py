"""One's own name, time zone, keys and looks, with the way to all else that is one's own."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from compliance.forms.profile import ProfileForm
from compliance.forms.registry_sections import zones
from compliance.queries.columns import DENSITIES, hidden_of
from compliance.queries.notifications import told_of_the_week
from compliance.services.save_profile import save_profile
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, page, signed_in

_PAGE: Final = Shape("compliance/profile/page.html")
_THEMES: Final = {"light": "Light", "system": "As the system", "dark": "Dark"}


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """What is known of somebody; a POST changes it."""
    person = signed_in(request)
    form = ProfileForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_valid():
        save_profile(person, **form.cleaned_data, now=decided_now())
        messages.success(request, "Saved.")
        return HttpResponseRedirect(reverse("settings_profile"))
    context = {
        "form": form,
        "zones": zones(),
        "themes": _THEMES,
        "densities": DENSITIES,
        "hidden": hidden_of(person),
        "week": told_of_the_week(person),
    }
    return page(request, _PAGE, context, now=timezone.now(), status=422 if form.is_bound else 200)
