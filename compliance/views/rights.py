"""Rights where pages meet them: what a view needs, what a template may offer, what is said to whom it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from compliance import access
from compliance.access import Actor
from compliance.models import User

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
Right = Callable[[Actor], bool]
View = Callable[Concatenate[HttpRequest, P], R]

_ADMINISTRATOR: Final = "Ask an administrator."
_SECURITY: Final = "Ask somebody with the role security, or an administrator."

REFUSALS: Final[Mapping[Right, str]] = {
    access.may_see_repositories: (
        "You are in no team, so there is no repository to show. Ask a lead of a team, or an administrator, to add you."
    ),
    access.may_see_operations: (
        "Registries, scans and deliveries name repositories of every team, so only the roles auditor, security and "
        "administrator see them. Ask an administrator for one of these roles."
    ),
    access.may_scan_registries: f"Your role may not begin, cancel or repeat scans. {_SECURITY}",
    access.may_manage_registries: f"Your role may not change registries. {_ADMINISTRATOR}",
    access.may_manage_policies: f"Your role may not change policies. {_ADMINISTRATOR}",
    access.may_manage_people: f"Your role may not change people, teams and who owns what. {_ADMINISTRATOR}",
    access.may_change_retention: f"Your role may not decide how long things are kept. {_ADMINISTRATOR}",
    access.may_find_people: "Only who works on findings looks people up. Ask a lead of your team.",
    access.may_see_unowned: "Repositories that nobody owns are shown to leads and to those who see everything.",
    access.may_claim_repositories: "Only leads of a team, security and administrators claim repositories.",
    access.may_work_on_findings: (
        "Only triagers and leads of a team, and the role security, may change findings. Ask a lead of your team."
    ),
    access.may_read_audit: "The audit trail names everybody: auditors, security and administrators read it.",
    access.may_see_system: f"What this site runs on is shown to who keeps it running. {_SECURITY}",
    access.may_write_waivers: (
        "Only triagers and leads of a team, and the role security, may ask for a waiver. Ask a lead of your team."
    ),
}
"""Every right that a whole page or a button depends on: why it is refused, and whom to ask."""

_BY_NAME: Final = {right.__name__.removeprefix("may_"): right for right in REFUSALS}


class May:
    """``may`` in templates: ``{% if may.manage_registries %}`` asks ``access.may_manage_registries``."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getitem__(self, name: str) -> bool:
        return _BY_NAME[name](actor_of(self._request))


def rights(request: HttpRequest) -> dict[str, May]:
    """Context of every template."""
    return {"may": May(request)}


def actor_of(request: HttpRequest) -> Actor:
    """Who asks; somebody who is not logged in is a member of no team."""
    user = getattr(request, "user", None)
    return user.actor if isinstance(user, User) else access.NOBODY


def insist(request: HttpRequest, right: Right) -> None:
    """Go on only for who has a right of ``REFUSALS``.

    :raises PermissionDenied: which is answered with 403 and the reason.
    """
    if not right(actor_of(request)):
        raise PermissionDenied(REFUSALS[right])


def needs(right: Right) -> Callable[[View[P, R]], View[P, R]]:
    """Answer 403, with the reason, whoever has not this right of ``REFUSALS``."""
    if right not in REFUSALS:
        raise ValueError(f"{right} has no words for whom it is refused")

    def decorate(view: View[P, R]) -> View[P, R]:
        @wraps(view)
        def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            insist(request, right)
            return view(request, *args, **kwargs)

        return checked

    return decorate
