"""``/deployments/``: a deployment file is reviewed against what is stored. Nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from compliance.access import Actor
from compliance.forms.deployment import DeploymentForm
from compliance.queries.deployment import DeploymentPage, SourceLine, around, review_page
from compliance.views.respond import Shape, page
from compliance.views.rights import actor_of
from scanner.deployments import DeploymentProblem
from scanner.deployments.problems import too_much
from scanner.domain.printable import printable

_PAGE = Shape("compliance/deployment/page.html")
_LONGEST_PROBLEM = 1_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file cannot be reviewed, safe to show, with the line where it has one."""

    code: str
    message: str
    remedy: str
    line: int | None
    source: tuple[SourceLine, ...] = ()


@sensitive_post_parameters("text")
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest) -> HttpResponse:
    """Show the form; with a file in it, the review."""
    now = timezone.now()
    if request.method != "POST":
        return page(request, _PAGE, {"form": DeploymentForm(limits=settings.LIMITS)}, now=now)
    form = DeploymentForm(request.POST, request.FILES, limits=settings.LIMITS)
    too_large = _too_large(request)
    found, fault = (None, too_large) if too_large else _reviewed(form, actor_of(request))
    if found is not None:  # so that an uploaded file can be changed and reviewed again
        form.data = {"text": form.body}
    status = 200 if found is not None else 422
    return page(request, _PAGE, {"form": form, "page": found, "fault": fault}, now=now, status=status)


def _reviewed(form: DeploymentForm, actor: Actor) -> tuple[DeploymentPage | None, Fault | None]:
    try:
        if form.is_valid():
            return review_page(form.body, settings.LIMITS, actor), None
    except DeploymentProblem as problem:
        return None, replace(_fault(problem), source=around(form.body, problem.line))
    return None, None if form.problem is None else _fault(form.problem)


def _too_large(request: HttpRequest) -> Fault | None:
    """The fault of a body whose file was not kept, which would look like none."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or int(length) <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        return None
    return _fault(too_much("deployment_bytes", settings.LIMITS.deployment_bytes, f"the form has {length} bytes"))


def _fault(problem: DeploymentProblem) -> Fault:
    message = printable(problem.message.removeprefix("deployment file: "), longest=_LONGEST_PROBLEM)
    return Fault(problem.code, message, problem.remedy, problem.line)
