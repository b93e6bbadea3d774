"""The labels that people give to a repository: on a page, or in the cell of a list."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from compliance.forms.labels import LabelsForm
from compliance.models import Repository
from compliance.policy.labels import InvalidLabel
from compliance.queries.repository import Header
from compliance.services.label_repositories import MayNotLabel, label_repositories
from compliance.views.repositories import found_repository
from compliance.views.respond import Shape, page, signed_in, wants_part

_FORM: Final = Shape("compliance/repository_labels/page.html", "form")
_SHOWN: Final = Shape("compliance/repository_labels/page.html", "shown")
_REFUSED: Final = (
    "Only triagers and leads of its team, and the role security, label a repository. Ask a lead of the team."
)


@require_http_methods(["GET", "HEAD", "POST"])
def labels(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The form; a POST changes what differs. A list swaps the form into a cell, and the labels back."""
    header = found_repository(request, slug, name)
    if not header.labelable:
        raise PermissionDenied(_REFUSED)
    if request.method != "POST":
        leaves = wants_part(request) and "leave" in request.GET
        return _answer(request, header, LabelsForm(labels=header.labels, of=header.id), _SHOWN if leaves else _FORM)
    form = LabelsForm(request.POST, labels=header.labels, of=header.id)
    if not form.is_valid() or not _saved(request, header, form):
        return _answer(request, header, form, _FORM, status=422)
    if wants_part(request):
        return _answer(request, found_repository(request, slug, name), form, _SHOWN)
    messages.success(request, f"The labels of {name} are saved.")
    return HttpResponseRedirect(reverse("repository", args=[slug, name]))


def _saved(request: HttpRequest, header: Header, form: LabelsForm) -> bool:
    rows = Repository.objects.filter(pk=header.id)
    try:
        label_repositories(rows, form.change, by=signed_in(request))
    except InvalidLabel as error:
        form.add_error("labels", str(error))
        return False
    except MayNotLabel as error:  # it has just been given to another team
        raise PermissionDenied(_REFUSED) from error
    return True


def _answer(request: HttpRequest, header: Header, form: LabelsForm, shape: Shape, *, status: int = 200) -> HttpResponse:
    return page(request, shape, {"header": header, "form": form}, now=timezone.now(), status=status)
