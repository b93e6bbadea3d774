"""Which repositories a policy is given to: adding, removing, putting in order, and what each would change."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from compliance.access import may_manage_policies
from compliance.forms.policy_scope import ScopeForm
from compliance.models import Policy, PolicyAssignment
from compliance.queries.policies import find_policy
from compliance.queries.scope import level_of, preview_assignment, preview_removal
from compliance.services.assign_policies import assign_policy, order_assignments, unassign_policy
from compliance.services.doubt_tags import kept_for
from compliance.services.request_rejudge import waiting_rejudgings
from compliance.tasks.wake import ring
from compliance.views.policies import policy_response
from compliance.views.respond import signed_in
from compliance.views.rights import needs

_NO_POLICY = "There is no such policy."


@require_POST
@needs(may_manage_policies)
def preview(request: HttpRequest, name: str) -> HttpResponse:
    """What an assignment in the form would change, or the end of one; nothing is stored."""
    policy = _found(name)
    lapsed_before = timezone.now() - kept_for()
    if removed := request.POST.get("remove", ""):
        row = _assignment(policy, removed)
        scope = preview_removal(row, lapsed_before=lapsed_before)
        return policy_response(request, policy, {"scope": scope, "removed": row})
    form = ScopeForm(request.POST)
    if not form.is_valid():
        return policy_response(request, policy, {"scope_form": form}, status=422)
    pattern = form.cleaned_data["pattern"]
    scope = preview_assignment(policy, pattern, form.chosen_registry, lapsed_before=lapsed_before)
    return policy_response(request, policy, {"scope": scope, "scope_form": form})


@require_POST
@needs(may_manage_policies)
def add(request: HttpRequest, name: str) -> HttpResponse:
    """Give a policy the repositories a pattern fits."""
    policy = _found(name)
    form = ScopeForm(request.POST)
    if not form.is_valid():
        return policy_response(request, policy, {"scope_form": form}, status=422)
    pattern = form.cleaned_data["pattern"]
    assign_policy(pattern, policy, registry=form.chosen_registry, by=signed_in(request), now=timezone.now())
    messages.success(request, f"Repositories that fit {pattern} are judged by {name} now.")
    return _done(policy)


@require_POST
@needs(may_manage_policies)
def remove(request: HttpRequest, name: str, assignment: int) -> HttpResponse:
    """Take an assignment away."""
    policy = _found(name)
    row = _assignment(policy, str(assignment))
    unassign_policy(row, now=timezone.now())
    messages.success(request, f"{row.pattern} no longer gives repositories to {name}.")
    return _done(policy)


@require_POST
@needs(may_manage_policies)
def move(request: HttpRequest, name: str, assignment: int) -> HttpResponse:
    """Ask an assignment one place earlier or later among those of its registry."""
    policy = _found(name)
    row = get_object_or_404(PolicyAssignment.objects.select_related("registry"), pk=assignment)
    order = level_of(row)
    at = order.index(row.pk)
    to = max(0, at - 1) if request.POST.get("to") == "earlier" else at + 1
    order.insert(to, order.pop(at))
    order_assignments(row.registry, order, now=timezone.now())
    return _done(policy)


def _done(policy: Policy) -> HttpResponse:
    ring(waiting_rejudgings())
    return HttpResponseRedirect(reverse("policy", args=[policy.name]) + "#scope")


def _assignment(policy: Policy, text: str) -> PolicyAssignment:
    rows = PolicyAssignment.objects.select_related("registry").filter(policy=policy)
    found = rows.filter(pk=text).first() if text.isascii() and text.isdecimal() and len(text) < 10 else None
    if found is None:
        raise Http404("There is no such assignment.")
    return found


def _found(name: str) -> Policy:
    policy = find_policy(name)
    if policy is None:
        raise Http404(_NO_POLICY)
    return policy
