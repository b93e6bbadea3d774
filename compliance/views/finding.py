"""``/findings/<id>/``: one finding, and what somebody says about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.access import may_triage
from compliance.forms.finding import AssignForm, CommentForm, DueForm, RescanForm, StatusForm
from compliance.models import BulkChange, Finding
from compliance.queries.bulk_changes import rescanned
from compliance.queries.filters import number_of, text_of
from compliance.queries.finding import find_finding, finding_page, ticket_of
from compliance.queries.finding_neighbours import neighbours
from compliance.queries.people import people_for, undoable
from compliance.remediation.change import Change, InvalidChange
from compliance.remediation.ticket import ticket
from compliance.services.change_findings import UNDO_WITHIN, Undone, change_findings, rescans_of
from compliance.services.label_homes import undo_change
from compliance.services.label_repositories import MayNotLabel
from compliance.services.write_findings import NotAllowed, sla_terms
from compliance.tasks.wake import ring
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, htmx, page, signed_in, wants_part

_PAGE: Final = Shape("compliance/finding/page.html", "card")
_PREVIEW: Final = Shape("compliance/finding/page.html", "preview")
_PEOPLE: Final = Shape("compliance/finding/people.html")
_REFUSED: Final = "Your role in the team may see this finding, not work on it. Ask a lead of the team."
_NONE: Final = "There is no such finding."


class _Says(Protocol):
    def change(self) -> Change: ...


@require_safe
def show(request: HttpRequest, finding_id: int) -> HttpResponse:
    """The page, or for htmx the card or the preview of the inbox."""
    return _show(request, _visible(request, finding_id), {}, changed=number_of(request.GET, "changed"))


@require_safe
def people(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Names that fit what is being typed, of those it may be given to; options of a list."""
    row = _workable(request, finding_id)
    found = people_for(row.repository.team_id, text_of(request.GET, "who"))
    return page(request, _PEOPLE, {"people": found}, now=timezone.now())


@require_POST
def set_status(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Say where it stands; claiming a fix asks the registry again."""
    form = StatusForm(request.POST)
    return _change(request, finding_id, "status", form, form)


@require_POST
def assign(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Give it to somebody, or to nobody."""
    form = AssignForm(request.POST, me=signed_in(request))
    return _change(request, finding_id, "assign", form, form)


@require_POST
def set_due(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Set another due date, or take the one that the terms say."""
    form = DueForm(request.POST, zone=signed_in(request).time_zone)
    return _change(request, finding_id, "due", form, form)


@require_POST
def comment(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Say something."""
    form = CommentForm(request.POST)
    return _change(request, finding_id, "comment", form, form)


@require_POST
def rescan(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Ask the registry again about the tags that show it."""
    form = RescanForm(request.POST)
    return _change(request, finding_id, "rescan", form, form)


@require_POST
def take_back(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Undo what was just done here, and stay."""
    row = _workable(request, finding_id)
    bulk = number_of(request.POST, "bulk")
    try:
        done = undo_change(bulk or 0, by=signed_in(request), now=decided_now())
    except BulkChange.DoesNotExist as error:
        raise Http404("There is no such change of yours.") from error
    except InvalidChange as error:
        messages.warning(request, str(error))
    except (NotAllowed, MayNotLabel) as error:
        raise PermissionDenied(_REFUSED) from error
    else:
        messages.success(request, _undone(done))
    return HttpResponseRedirect(reverse("finding", args=[row.pk]))


def _undone(done: Undone) -> str:
    if done.kept:
        return "Somebody has changed it since, so it stays."
    return "Undone. Nobody has it: who had it may not see it any more." if done.unassigned else "Undone."


def _change(request: HttpRequest, finding_id: int, name: str, form: Form, says: _Says) -> HttpResponse:
    row = _workable(request, finding_id)
    bulk = _try(request, row, form, says) if form.is_valid() else None
    if bulk is None:
        return _show(request, row, {name: form}, status=422)
    if wants_part(request):
        return _show(request, _visible(request, finding_id), {}, changed=bulk.pk, saved=True)
    return HttpResponseRedirect(f"{reverse('finding', args=[finding_id])}?changed={bulk.pk}")


def _try(request: HttpRequest, row: Finding, form: Form, says: _Says) -> BulkChange | None:
    now = decided_now()
    try:
        bulk = change_findings(Finding.objects.filter(pk=row.pk), says.change(), by=signed_in(request), now=now)
    except InvalidChange as error:
        form.add_error(None, str(error))
        return None
    except NotAllowed as error:  # the repository has just been given to another team
        raise PermissionDenied(_REFUSED) from error
    ring(rescans_of(bulk))
    return bulk


def _show(
    request: HttpRequest,
    row: Finding,
    forms: Mapping[str, Form],
    *,
    changed: int | None = None,
    saved: bool = False,
    status: int = 200,
) -> HttpResponse:
    now, user = timezone.now(), signed_in(request)
    found = finding_page(row, user.actor, sla_terms(), now=now, all_events="events" in request.GET)
    undo_of = undoable(changed, user, now - UNDO_WITHIN) if changed else None
    preview = wants_part(request) and htmx(request).target == "preview"
    url = request.build_absolute_uri(reverse("finding", args=[row.pk]))
    context: dict[str, Any] = {
        "page": found,
        "undo": undo_of,
        "rescanned": rescanned(changed, row.pk, user) if changed and not undo_of else "",
        "saved": saved,
        "target": "preview" if preview else "finding",
        "status_form": forms.get("status") or StatusForm(),
        "assign_form": forms.get("assign") or AssignForm(),
        "due_form": forms.get("due") or DueForm(zone=user.time_zone, initial=found.due.at),
        "comment_form": forms.get("comment") or CommentForm(),
        "rescan_form": forms.get("rescan"),
        "markdown": ticket(ticket_of(found, url), now),
    }
    if not wants_part(request):
        context["beside"] = neighbours(row, user.actor, now=now)
    return page(request, _PREVIEW if preview else _PAGE, context, now=now, status=status)


def _visible(request: HttpRequest, finding_id: int) -> Finding:
    row = find_finding(finding_id, signed_in(request).actor)
    if row is None:
        raise Http404(_NONE)
    return row


def _workable(request: HttpRequest, finding_id: int) -> Finding:
    row = _visible(request, finding_id)
    if not may_triage(signed_in(request).actor, row.repository.team_id):
        raise PermissionDenied(_REFUSED)
    return row
