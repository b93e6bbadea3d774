"""What a policy says of waivers."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from compliance.access import may_manage_policies
from compliance.forms.policy_waivers import PolicyWaiversForm
from compliance.queries.policies import find_policy
from compliance.views.policies import policy_response
from compliance.views.rights import needs


@require_POST
@needs(may_manage_policies)
def save(request: HttpRequest, name: str) -> HttpResponse:
    """Say how long waivers may last, and whether a second person approves them."""
    policy = find_policy(name)
    if policy is None:
        raise Http404("There is no such policy.")
    form = PolicyWaiversForm(request.POST)
    if not form.is_valid():
        return policy_response(request, policy, {"waivers_form": form}, status=422)
    policy.waiver_days = form.cleaned_data["waiver_days"]
    policy.second_person = form.cleaned_data["second_person"]
    policy.save(update_fields=["waiver_days", "second_person"])
    messages.success(request, f"Waivers of what {name} finds follow this from now on.")
    return HttpResponseRedirect(reverse("policy", args=[name]) + "#waivers")
