"""What is kept for how long, as code, settings and administrators have it: nothing is written here twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from compliance.access import may_change_retention
from compliance.forms.retention import RetentionForm
from compliance.models.retention import FEWEST_DAYS, MOST_DAYS
from compliance.services.accept_event import KEPT_BYTES
from compliance.services.change_retention import change_retention, preview_retention
from compliance.services.keep_for import Chosen, chosen_days, in_force
from compliance.services.webhook_endpoints import LONGEST_OVERLAP
from compliance.tasks.wake import AN_HOUR
from compliance.views.account_adapter import KNOWN_FOR
from compliance.views.respond import Shape, page
from compliance.views.rights import insist

_PAGE: Final = Shape("compliance/retention/page.html")
_DEFAULT: Final = "PLIMSOLL_EVENT_DAYS"
_FOR_EVER: Final = "for ever"
_WITH_REGISTRY: Final = "until its registry is deleted"


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of thing.

    :param then: what becomes of it after that; ``decided_by``: the variable of the environment that says how long,
        empty where nothing does; ``instead_of``: what that says where administrators chose otherwise.
    """

    what: str
    how_long: str
    then: str = ""
    decided_by: str = ""
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Things of one sort."""

    title: str
    rows: tuple[Kept, ...]


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """For everybody: whoever is written about may know for how long. Administrators choose, and confirm it."""
    chosen = chosen_days()
    if request.method != "POST":
        return _answer(request, chosen, _form(chosen))
    insist(request, may_change_retention)
    form = _form(chosen, request.POST)
    if not form.is_valid():
        return _answer(request, chosen, form, status=422)
    wanted, step, confirmed = form.chosen(), _step(chosen, form.chosen()), request.POST.get("confirmed", "")
    if wanted == chosen:
        messages.info(request, "Nothing was changed: this is what counts already.")
    elif confirmed == step and change_retention(wanted, was=chosen):
        messages.success(request, "What is kept for how long is saved.")
    else:
        return _answer(request, chosen, form, wanted=wanted, status=409 if confirmed else 200)
    return HttpResponseRedirect(reverse("settings_retention"))


def _form(chosen: Chosen, data: object = None) -> RetentionForm:
    return RetentionForm(data, chosen=chosen, default=in_force(Chosen()).events)


def _step(chosen: Chosen, wanted: Chosen) -> str:
    """What is confirmed: this instead of that, and nothing that somebody else chose meanwhile."""
    return f"{chosen.events}-{chosen.messages}-{wanted.events}-{wanted.messages}"


def _answer(
    request: HttpRequest, chosen: Chosen, form: RetentionForm, *, wanted: Chosen | None = None, status: int = 200
) -> HttpResponse:
    """The page; with ``wanted`` it asks whether that is meant."""
    now = timezone.now()
    shown: dict[str, object] = {"parts": parts(chosen), "form": form, "fewest": FEWEST_DAYS, "most": MOST_DAYS}
    if wanted is not None:
        asked = {"was": in_force(chosen), "becomes": in_force(wanted), "step": _step(chosen, wanted)}
        shown["asked"] = {**asked, "preview": preview_retention(wanted, now=now)}
    return page(request, _PAGE, {**shown, "default": _DEFAULT}, now=now, status=status)


def parts(chosen: Chosen) -> tuple[Part, ...]:
    """All kinds, by what becomes of them; the settings are read each time."""
    return (Part("Forgotten after a while", _forgotten(chosen)), Part("Kept", _kept()))


def _forgotten(chosen: Chosen) -> tuple[Kept, ...]:
    days, default = in_force(chosen), in_force(Chosen())
    at_most = f"at most {_days(LONGEST_OVERLAP)}"
    unconfirmed = _days(timedelta(days=settings.UNCONFIRMED_DAYS))
    session = f"{_hours(settings.SESSION_COOKIE_AGE)} after it began"
    idle = f", or {settings.SESSION_IDLE_MINUTES} minutes without use" if settings.SESSION_IDLE_MINUTES else ""
    return (
        Kept(
            f"What registries announced by webhook: the first {KEPT_BYTES // 1024} KiB of each body, no secret",
            f"{_whole(days.events)} after it came",
            "Deleted, with what was taken from it. What is still worked on is kept until it is done.",
            _DEFAULT,
            "" if chosen.events is None else _whole(default.events),
        ),
        Kept(
            "Messages that were sent, joined or given up, with each try",
            f"{_whole(days.messages)} after they ended",
            "Deleted.",
            _DEFAULT,
            "" if chosen.messages is None else _whole(default.messages),
        ),
        Kept("The old secret of a webhook after Rotate", at_most, "Counts no more."),
        Kept(
            "The verdict of a tag whose registry does not say what it points to",
            unconfirmed,
            "The verdict becomes unknown; the tag stays.",
            "PLIMSOLL_UNCONFIRMED_DAYS",
        ),
        Kept("Sessions, with browser and address", session + idle, "Deleted.", "PLIMSOLL_IDLE_MINUTES"),
        Kept(
            "From which addresses an account was used, to tell guessing apart", _days(KNOWN_FOR), "Not asked any more."
        ),
        Kept("How often somebody guessed a password", "minutes to an hour", "Deleted."),
        Kept(
            "A link to choose a password", _days(timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)), "Works no more."
        ),
        Kept("Messages in the queue", f"at most {_hours(AN_HOUR)}", "Thrown away; the rows they ring for stay."),
    )


def _kept() -> tuple[Kept, ...]:
    return (
        Kept("The audit trail, with its copies of what was changed", _FOR_EVER, "The database refuses to change it."),
        Kept("Images, layers and what is known of them", _FOR_EVER, "They belong to their digests, not to a registry."),
        Kept("Snapshots of each day, which trends are made of", _WITH_REGISTRY),
        Kept("Tags, what became of them and who pushed; those that are gone are marked", _WITH_REGISTRY),
        Kept("Scans with their errors", _WITH_REGISTRY),
        Kept("Findings with their comments and all that happened to them", _WITH_REGISTRY),
        Kept("Waivers", "until the registry they are for is deleted", "They end by their date and stay to be read."),
        Kept("Accounts", _FOR_EVER, "They are deactivated, so that what was done keeps a name."),
        Kept(
            "API tokens, with when and from which address each was used last", _FOR_EVER, "No token itself is stored."
        ),
        Kept("A second factor", "until it is turned off or reset", "Deleted."),
        Kept("Saved views, and which repositories somebody watches", "until somebody deletes or ends them"),
    )


def _days(span: timedelta) -> str:
    return _whole(span.days)


def _whole(days: int) -> str:
    return f"{days:,} day{'' if days == 1 else 's'}"


def _hours(seconds: int) -> str:
    hours = seconds // 3600
    return f"{hours} hour{'' if hours == 1 else 's'}"
