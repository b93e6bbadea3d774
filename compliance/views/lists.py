"""What somebody chooses about lists for themselves: their columns, and how close the rows stand."""

from __future__ import annotations

from urllib.parse import urldefrag

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from compliance.models import Density
from compliance.queries.columns import DENSITIES, LISTS
from compliance.queries.filters import choice_of
from compliance.services.choose_columns import choose_columns, choose_density, show_all_columns
from compliance.views.respond import htmx, of_this_site, signed_in


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep what was chosen and go back to the same address; a name that is not on the lists changes nothing."""
    person = signed_in(request)
    if name := choice_of(request.POST, "list", LISTS):
        choose_columns(person, name, request.POST.getlist("column"))
    if density := choice_of(request.POST, "density", DENSITIES):
        choose_density(person, Density(density))
    if request.POST.get("all"):
        show_all_columns(person)
    return HttpResponseRedirect(of_this_site(request, _came_from(request)))


def _came_from(request: HttpRequest) -> str:
    """Where the form stands; htmx may have changed the list's address since it was made, and says so."""
    if not htmx(request):
        return request.POST.get("next", "")
    return urldefrag(htmx(request).current_url_abs_path or "").url
