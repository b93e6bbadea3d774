"""The inbox of findings: the list, and what is done to many of them at once."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from compliance.access import may_share_views, may_work_on_findings
from compliance.forms.bulk import ACTIONS, SETTABLE, BulkForm
from compliance.models import BulkChange, StatusChoice
from compliance.policy.labels import InvalidLabel
from compliance.queries.bulk_changes import Done, find_done
from compliance.queries.columns import columns_of
from compliance.queries.finding_filter import (
    DUE_WORDS,
    GROUPS,
    SIZES,
    SORTS,
    address,
    params_of,
    read_filter,
    read_view,
)
from compliance.queries.findings import scope_of, select_findings
from compliance.queries.inbox import ASSIGNED, list_findings
from compliance.remediation.change import LASTING, InvalidChange
from compliance.remediation.terms import SEVERITIES
from compliance.services.change_findings import UNDO_WITHIN, CountChanged, change_findings, rescans_of
from compliance.services.label_homes import label_homes, undo_change
from compliance.services.label_repositories import MayNotLabel
from compliance.services.write_findings import NotAllowed
from compliance.tasks.wake import ring
from compliance.views.finding_files import FORMATS
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, asked, page, signed_in, stays_here, wants_part
from compliance.views.rights import needs

_INBOX = Shape("compliance/findings/page.html", "results")
_NOT_ALL_YOURS = "Some of these belong to a team whose findings you may only look at."
_ASKED_AGAIN = ("action", "whole", "filter", "back", "assignee", "status", "due", "reason", "text", "label")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """One page of the findings that the address asks for."""
    return _inbox(request, asked(request), {})


@require_POST
@needs(may_work_on_findings)
def bulk(request: HttpRequest) -> HttpResponse:
    """Change all findings that were chosen, or none: not if their number is another than the one that was seen."""
    user, now = signed_in(request), decided_now()
    form = BulkForm(request.POST)
    if not form.is_valid():
        return _refused(request, form.problem)
    findings = select_findings(form.params, user.actor, now=now)
    if form.cleaned_data["action"] == "waive":
        return _leave(request, f"{reverse('waiver_new')}?{scope_of(form.params, findings)}")
    try:
        if form.relabels:
            made = label_homes(findings, form.relabel(), by=user, now=now, expected=form.expects)
        else:
            made = change_findings(findings, form.change(user), by=user, now=now, expected=form.expects)
    except CountChanged as error:
        return _ask_again(request, form, error.actual)
    except (InvalidChange, InvalidLabel) as error:
        return _refused(request, str(error))
    except (NotAllowed, MayNotLabel):
        return _refused(request, _NOT_ALL_YOURS)
    ring(rescans_of(made))
    return _back(request, changed=str(made.pk))


@require_POST
@needs(may_work_on_findings)
def undo_bulk(request: HttpRequest, bulk_id: int) -> HttpResponse:
    """Give findings back what they had before one's own change."""
    try:
        undone = undo_change(bulk_id, by=signed_in(request), now=decided_now())
    except BulkChange.DoesNotExist as error:
        raise Http404("There is no such change of yours.") from error
    except InvalidChange as error:
        return _refused(request, str(error))
    except (NotAllowed, MayNotLabel):
        return _refused(request, _NOT_ALL_YOURS)
    unassigned = {"unassigned": str(undone.unassigned)} if undone.unassigned else {}
    return _back(request, changed=str(bulk_id), kept=str(undone.kept), **unassigned)


def _inbox(request: HttpRequest, params: dict[str, str], more: dict[str, object], *, status: int = 200) -> HttpResponse:
    user, now = signed_in(request), timezone.now()
    found = list_findings(params, user, now=now)
    done = find_done(params, user, [row.id for row in found.rows])
    context = {
        "page": found,
        "columns": columns_of(user, "findings"),
        "done": done,
        "can_undo": done is not None and _can_undo(done, now),
        "works": may_work_on_findings(user.actor),
        "shares": may_share_views(user.actor),
        "statuses": StatusChoice.choices,
        "severities": SEVERITIES,
        "sorts": SORTS,
        "groupings": GROUPS,
        "sizes": SIZES,
        "dues": DUE_WORDS,
        "assigned": ASSIGNED,
        "actions": ACTIONS,
        "settable": SETTABLE,
        "formats": {key: label for key, (label, _) in FORMATS.items()},
        **more,
    }
    response = page(request, _INBOX, context, now=now, status=status)
    if wants_part(request) and not found.filter.problems and not stays_here(request):
        # What was typed in the search box is an address of its own; what was just done is none.
        header = "HX-Replace-Url" if done or status != 200 else "HX-Push-Url"
        response.headers[header] = f"{reverse('findings')}?{found.here}"
    return response


def _can_undo(done: Done, now: datetime) -> bool:
    return not done.undone and done.count > 0 and done.action not in LASTING and now - done.at <= UNDO_WITHIN


def _came_from(request: HttpRequest) -> dict[str, str]:
    return params_of(request.POST.get("back", ""))


def _there(request: HttpRequest, more: dict[str, object], *, status: int) -> HttpResponse:
    """The list somebody came from. Parts of its page make their links from the request's address."""
    params = _came_from(request)
    posted = request.GET, request.path
    request.GET, request.path = QueryDict(urlencode(params)), reverse("findings")
    try:
        return _inbox(request, params, {**more, "picked": _picked(request)}, status=status)
    finally:
        request.GET, request.path = posted


def _refused(request: HttpRequest, words: str) -> HttpResponse:
    return _there(request, {"refused": words, "typed": request.POST}, status=422)


def _ask_again(request: HttpRequest, form: BulkForm, actual: int) -> HttpResponse:
    said = [(name, value) for name in _ASKED_AGAIN for value in request.POST.getlist(name)[:1]]
    said += [("scope", "query")] if form.by_query else [("id", str(each)) for each in form.ids]
    question = {"actual": actual, "expected": form.expects, "said": [*said, ("agreed", str(actual))]}
    return _there(request, {"question": question}, status=409)


def _picked(request: HttpRequest) -> set[int]:
    return {int(each) for each in request.POST.getlist("id")[:250] if each.isascii() and each.isdecimal()}


def _back(request: HttpRequest, **more: str) -> HttpResponse:
    """To the list somebody came from; htmx goes there too and takes the part of it."""
    params = _came_from(request)
    number = {"page": params["page"][:9]} if "page" in params else {}
    return HttpResponseRedirect(reverse("findings") + address(read_filter(params), read_view(params), **number, **more))


def _leave(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if wants_part(request) else HttpResponseRedirect(url)
