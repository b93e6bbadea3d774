"""Policies: the list, one policy, changing one, making one."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_manage_policies
from compliance.forms.policy import CopyForm, PolicyForm
from compliance.forms.policy_scope import ScopeForm
from compliance.models import Policy, PolicyVersion
from compliance.policy.difference import diff_policies
from compliance.policy.document import InvalidPolicy, check_document, read_policy
from compliance.queries.policies import current_of, find_policy, list_policies, policy_page, policy_progress
from compliance.queries.policy_history import changes_between, changes_of, policy_history, version_rows
from compliance.queries.preview import preview_policy
from compliance.queries.scope import list_assignments
from compliance.services.doubt_tags import kept_for
from compliance.services.request_rejudge import waiting_rejudgings
from compliance.services.save_policy import PolicyEdited, create_policy, save_policy
from compliance.tasks.wake import ring
from compliance.views.respond import STOP_POLLING, Shape, page, signed_in, wants_part
from compliance.views.rights import actor_of, needs
from scanner.domain.score import FORMULA

_LIST = Shape("compliance/policies/page.html")
_POLICY = Shape("compliance/policy/page.html", "live")
_FORM = Shape("compliance/policy_form/page.html", "preview")
_WHOLE_FORM = Shape("compliance/policy_form/page.html")
_HISTORY = Shape("compliance/policy_history/page.html")
_SCOPE = Shape("compliance/policy/page.html", "scope")
_LATEST = 5
_NEW = Shape("compliance/policy_new/page.html")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Which rules count for whom."""
    rows = list_policies(actor_of(request))
    active = any(row.progress and row.progress.active for row in rows)
    return page(request, _LIST, {"rows": rows, "formula": FORMULA, "active": active}, now=timezone.now())


@require_safe
def show(request: HttpRequest, name: str) -> HttpResponse:
    """One policy; htmx asks only how far judging again has come."""
    if wants_part(request):
        return _progress(request, name)
    return policy_response(request, _found(name), {})


def policy_response(
    request: HttpRequest, policy: Policy, extra: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    """The page of a policy, or for htmx what has become of the form that gives it repositories.

    :param extra: ``scope_form``, and ``scope`` with what it would change.
    """
    now = timezone.now()
    context: dict[str, object] = {"policy": policy, **extra}
    if wants_part(request):
        return page(request, _SCOPE, context, now=now, status=status)
    found = policy_page(policy, actor_of(request))
    context |= {
        "page": found,
        "progress": found.row.progress,
        "versions": version_rows(policy, 0, _LATEST),
        "assignments": list_assignments(policy, actor_of(request)),
        "scope_form": extra.get("scope_form") or ScopeForm(),
    }
    return page(request, _POLICY, context, now=now, status=status)


def _progress(request: HttpRequest, name: str) -> HttpResponse:
    found = policy_progress(name, actor_of(request))
    if found is None:
        raise Http404("Nothing is judged again.")
    if found.active and request.GET.get("v") == found.key:
        return HttpResponse(status=204)
    response = page(request, _POLICY, {"progress": found}, now=timezone.now())
    if not found.active:
        response.status_code = STOP_POLLING
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_policies)
def new(request: HttpRequest) -> HttpResponse:
    """Make a policy from one there is."""
    now = timezone.now()
    policies = {
        row.name: row for row in Policy.objects.exclude(current=None).select_related("current").order_by("name")
    }
    titles = {name: row.title for name, row in policies.items()}
    if request.method != "POST":
        form = CopyForm(policies=titles, like=request.GET.get("like", ""))
        return page(request, _NEW, {"form": form}, now=now)
    form = CopyForm(request.POST, policies=titles)
    if form.is_valid():
        data = form.cleaned_data
        try:
            row = create_policy(
                data["name"], data["title"], like=policies[data["like"]], by=signed_in(request), now=now
            )
        except InvalidPolicy as error:
            for field, message in error.errors.items():
                form.add_error(field if field in form.fields else None, message)
        else:
            messages.success(request, f"{row.name} was made. It judges nothing until it is given repositories.")
            return HttpResponseRedirect(reverse("policy", args=[row.name]))
    return page(request, _NEW, {"form": form}, now=now, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_policies)
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change a policy: every save is a new version."""
    policy = _found(name)
    if request.method != "POST":
        return _begin(request, policy)
    form = _bound(request, policy)
    if not form.is_valid():
        return _form(request, policy, form, status=422)
    data = form.cleaned_data
    try:
        version = save_policy(
            policy,
            form.entered(),
            based_on=data["based_on"],
            by=signed_in(request),
            now=timezone.now(),
            note=data["note"],
        )
    except InvalidPolicy as error:  # the rules changed between reading the form and saving it
        form.add_error(None, str(error))
        return _form(request, policy, form, status=422)
    except PolicyEdited as error:
        return _overtaken(request, policy, form, error.number)
    ring(waiting_rejudgings())
    if version.number == data["based_on"]:
        messages.info(request, "Nothing was changed, so there is no new version.")
    else:
        messages.success(request, f"Version {version.number} of {name} was saved.")
    return HttpResponseRedirect(reverse("policy", args=[name]))


@require_POST
@needs(may_manage_policies)
def preview(request: HttpRequest, name: str) -> HttpResponse:
    """Which tags would flip if what is in the form were saved; nothing is stored."""
    policy = _found(name)
    now = timezone.now()
    form = _bound(request, policy, noted=False)
    context: dict[str, object] = {"form": form, "policy": policy, "version": current_of(policy), "asked": True}
    if not form.is_valid():
        return page(request, _FORM, context, now=now, status=422)
    entered = form.entered()
    found = preview_policy(policy, entered, page=request.POST.get("page", ""), lapsed_before=now - kept_for())
    changes = changes_of(diff_policies(read_policy(current_of(policy).document), check_document(entered)))
    return page(request, _FORM, {**context, "preview": found, "changes": changes}, now=now)


@require_safe
def history(request: HttpRequest, name: str) -> HttpResponse:
    """All versions, and two of them side by side."""
    return page(request, _HISTORY, {"page": policy_history(_found(name), request.GET)}, now=timezone.now())


def _begin(request: HttpRequest, policy: Policy) -> HttpResponse:
    """The settings that count, or those of the version that is to be restored."""
    current = current_of(policy)
    wanted = _version(policy, request.GET.get("from", ""))
    if wanted is None or wanted == current:
        return _form(request, policy, PolicyForm(document=current.document, number=current.number))
    note = f"The settings of version {wanted.number} again."
    form = PolicyForm(document=wanted.document, number=current.number, note=note)
    return _form(request, policy, form, restored=wanted.number)


def _bound(request: HttpRequest, policy: Policy, *, noted: bool = True) -> PolicyForm:
    base = _version(policy, request.POST.get("based_on", "")) or current_of(policy)
    form = PolicyForm(request.POST, document=base.document, number=base.number)
    form.fields["note"].required = noted
    return form


def _overtaken(request: HttpRequest, policy: Policy, form: PolicyForm, theirs: int) -> HttpResponse:
    """Somebody saved meanwhile: nothing typed is lost, and the next save is based on what they saved."""
    versions = PolicyVersion.objects.filter(policy=policy).select_related("author")
    newer = versions.get(number=theirs)
    opened = versions.filter(number=form.cleaned_data["based_on"]).first()
    data = request.POST.copy()
    data["based_on"] = str(theirs)
    again = PolicyForm(data, document=newer.document, number=theirs)
    conflict = {
        "version": newer,
        "changed": changes_between(opened, newer) if opened else (),
        "would": changes_of(diff_policies(read_policy(newer.document), check_document(form.entered()))),
    }
    return _form(request, policy, again, status=409, conflict=conflict)


def _form(request: HttpRequest, policy: Policy, form: PolicyForm, *, status: int = 200, **more: object) -> HttpResponse:
    context = {"form": form, "policy": policy, "version": current_of(policy), **more}
    return page(request, _WHOLE_FORM, context, now=timezone.now(), status=status)


def _version(policy: Policy, number: str) -> PolicyVersion | None:
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        return None
    return PolicyVersion.objects.filter(policy=policy, number=number).select_related("author").first()


def _found(name: str) -> Policy:
    policy = find_policy(name)
    if policy is None:
        raise Http404("There is no such policy.")
    return policy
