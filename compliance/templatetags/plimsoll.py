"""What every page needs: moments, digests, verdicts, the menu."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from compliance.access import NOBODY, Actor, may_see_operations
from compliance.charts import with_sign
from compliance.models import User
from compliance.prose import Block, Span, parse_prose, spans

register = template.Library()

_STRIP = 6
_WRITTEN = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:\+00:00|Z)$")
THEMES = ("system", "light", "dark")

_RULE_PAGES = frozenset({"rule", "policies", "policy", "policy_new", "policy_edit", "policy_preview", "policy_history"})
_TEAM_PAGES = frozenset({"team", "team_new", "team_edit", "team_delete", "team_members", "team_member", "unowned"})
_REPOSITORY_PAGES = frozenset({"repository", "repository_owner", "repository_trend", "compare", "tag"})
_REGISTRY_PAGES = frozenset({"registry", "registry_new", "registry_edit", "registry_delete", "registry_webhook"})


@dataclass(frozen=True, slots=True)
class Section:
    """A page of the menu, by the name of its URL; ``pages`` are those that belong to it.

    :param right: who is shown the entry; ``None`` for everybody.
    """

    name: str
    label: str
    key: str
    pages: frozenset[str] = frozenset()
    right: Callable[[Actor], bool] | None = None


_MENU = (
    Section("overview", "Overview", "o"),
    Section("findings", "Findings", "f", frozenset({"finding", "findings_views"})),
    Section("remediation", "Remediation", "b"),
    Section("waivers", "Waivers", "a", frozenset({"waiver", "waiver_new", "waiver_preview", "waiver_covered"})),
    Section("teams", "Teams", "m", _TEAM_PAGES),
    Section("repositories", "Repositories", "r", _REPOSITORY_PAGES),
    Section("tags", "Tags", "t", frozenset({"image", "what_if"})),
    Section("deployments", "Deployments", "d"),
    Section("registries", "Registries", "i", _REGISTRY_PAGES, may_see_operations),
    Section("rules", "Rules", "u", _RULE_PAGES),
    Section("scans", "Scans", "s", frozenset({"scan", "scan_changes"}), may_see_operations),
    Section("webhooks", "Webhooks", "w", frozenset({"delivery"}), may_see_operations),
)

_UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))
_WORDS = {"pass": "Pass", "fail": "Fail", "unknown": "Unknown", "waived": "Waived", "not_applicable": "N/A"}
_STEPS = {
    "address": "Address",
    "name": "Name lookup",
    "allowed": "Address allowed",
    "connection": "Connection",
    "tls": "TLS",
    "api": "Registry's greeting",
    "demand": "Login it asks for",
    "login": "Login",
    "catalog": "List of repositories",
    "scope": "Right to read",
    "manifest": "One manifest",
    "blob": "One blob",
    "credential": "Credential",
    "proxy": "Proxy",
    "source": "Images on the workers' machine",
    "rate limit": "Rate limit",
}
_OUTCOMES = {"ok": "pass", "violated": "fail", "unknown": "unknown", "not_applicable": "not_applicable"}


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the menu."""

    url: str
    label: str
    key: str
    current: bool


@register.simple_tag(takes_context=True)
def menu(context: template.Context) -> list[MenuItem]:
    """The sections somebody may open, with that of this page marked."""
    match = getattr(context.get("request"), "resolver_match", None)
    here = match.url_name if match else ""
    user = context.get("user")
    actor = user.actor if isinstance(user, User) else NOBODY
    return [
        MenuItem(reverse(each.name), each.label, each.key, here == each.name or here in each.pages)
        for each in _MENU
        if each.right is None or each.right(actor)
    ]


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The theme this browser asked for, from its cookie."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request else ""
    return chosen if chosen in THEMES else "system"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, or how soon, in the largest unit that fits."""
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    unit = next(((size // length, name) for length, name in _UNITS if size >= length), None)
    if unit is None:
        return "just now" if seconds >= 0 else "in a moment"
    count, name = int(unit[0]), unit[1]
    span = f"{count} {name}{'' if count == 1 else 's'}"
    return f"{span} ago" if seconds >= 0 else f"in {span}"


@register.simple_tag(takes_context=True)
def when(context: template.Context, moment: datetime | None, empty: str = "never") -> str:
    """A ``<time>`` element: relative text, the exact moment in UTC and in the reader's zone as its title."""
    if moment is None:
        return format_html('<span class="quiet">{}</span>', empty)
    return _time(context, moment, ago(moment, context["now"]))


@register.simple_tag(takes_context=True)
def lasting(context: template.Context, since: datetime) -> str:
    """The same of what began then and goes on: ``for 3 days``."""
    words = ago(since, context["now"])
    return _time(context, since, f"for {words.removesuffix(' ago')}" if words.endswith(" ago") else f"since {words}")


def _time(context: template.Context, moment: datetime, words: str) -> str:
    utc = moment.astimezone(UTC)
    stamp = utc.isoformat(" ", "seconds")[:19]  # a page has hundreds, and strftime takes twice as long
    title = f"{stamp} UTC"
    zone = getattr(getattr(context.get("request"), "user", None), "time_zone", "UTC")
    if zone != "UTC":
        local = _in_zone(utc, zone)
        title = f"{title} · {local:%Y-%m-%d %H:%M:%S} {zone}" if local else title
    return format_html('<time datetime="{}" title="{}">{}</time>', f"{stamp.replace(' ', 'T')}Z", title, words)


@register.simple_tag(takes_context=True)
def moment(context: template.Context, at: datetime) -> str:
    """A ``<time>`` element: day and time in the reader's zone, the moment in UTC as its title."""
    zone = getattr(getattr(context.get("request"), "user", None), "time_zone", "UTC")
    utc = at.astimezone(UTC)
    local = _in_zone(utc, zone)
    shown, name = (local, zone) if local else (utc, "UTC")
    words, title = f"{shown:%a} {shown.day} {shown:%b %H:%M} {name}", f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', f"{utc:%Y-%m-%dT%H:%M:%SZ}", title, words)


@register.simple_tag(takes_context=True)
def until(context: template.Context, at: datetime) -> str:
    """A ``<time>`` element for days that may be months ahead: the day in the reader's zone, the moment as its title."""
    zone = getattr(getattr(context.get("request"), "user", None), "time_zone", "UTC")
    utc = at.astimezone(UTC)
    shown, name = (local, zone) if (local := _in_zone(utc, zone)) else (utc, "UTC")
    title = f"{shown:%Y-%m-%d %H:%M:%S} {name} · {utc:%Y-%m-%d %H:%M:%S} UTC"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', f"{utc:%Y-%m-%dT%H:%M:%SZ}", title, f"{shown.day} {shown:%b %Y}"
    )


def _in_zone(moment: datetime, zone: str) -> datetime | None:
    try:
        return moment.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):  # the row may hold a zone this machine does not know
        return None


@register.filter
def duration(span: timedelta | None) -> str:
    """``1 h 5 min``, ``12 s``, ``0.4 s``."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def spelled(text: str) -> str:
    """A moment as programs write it, as people read it; any other text as it is."""
    return _WRITTEN.sub(r"\1 \2 UTC", text)


@register.filter
def less(number: int, shown: Sequence[object]) -> int:
    """How many are left of a number when some are shown."""
    return number - len(shown)


@register.filter
def short(digest: str) -> str:
    """The first twelve characters of a digest's hexadecimal part."""
    return digest.partition(":")[2][:12] or digest[:12]


@register.filter
def step_name(name: str) -> str:
    """What a step of the connection test is called."""
    return _STEPS.get(name, name)


@register.filter
def middle(name: str, longest: int = 44) -> str:
    """A long name with its middle left out: what tells two of them apart is usually at an end."""
    if len(name) <= longest:
        return name
    tail = longest // 3
    return f"{name[: longest - tail - 1]}…{name[-tail:]}"


@register.inclusion_tag("compliance/parts/verdict.html")
def verdict(value: str, *, small: bool = False) -> dict[str, object]:
    """Shape, text and color of a verdict; an empty one says that nothing was judged yet."""
    return {"kind": value if value in _WORDS else "none", "text": _WORDS.get(value, "Not scanned"), "small": small}


@register.inclusion_tag("compliance/parts/verdict.html")
def verdict_of(platform: Mapping[str, str]) -> dict[str, object]:
    """A platform's verdict in a strip: the shape with the platform's name."""
    kind = platform.get("verdict", "")
    unnamed = "not an image" if kind == "not_applicable" else "image"
    name = platform.get("platform", "").removeprefix("linux/") or unnamed
    return {"kind": kind if kind in _WORDS else "none", "text": name, "small": True, "said": _WORDS.get(kind, "")}


@register.inclusion_tag("compliance/parts/strip.html")
def strip(platforms: Sequence[Mapping[str, str]]) -> dict[str, object]:
    """The platforms of a tag in a line; attestations beside images are only counted."""
    images = [each for each in platforms if not _attests(each)]
    shown = (images or list(platforms))[:_STRIP]
    attestations = len(platforms) - len(images) if images else 0
    return {"platforms": shown, "more": len(images) - len(shown) if images else 0, "attestations": attestations}


@register.filter
def runs_differently(platforms: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The platforms that run, where they do not all run as the same; else nothing."""
    running = [each for each in platforms if each.get("runs_as")]
    return running if len({each["runs_as"] for each in running}) > 1 else []


@register.filter
def several(platforms: Sequence[Mapping[str, str]]) -> bool:
    """Whether more than one platform runs."""
    return sum(not _attests(each) for each in platforms) > 1


@register.filter
def platform_name(platform: Mapping[str, str]) -> str:
    """What a platform is called; BuildKit files its attestations under ``unknown/unknown``."""
    if _attests(platform):
        return "attestation"
    return platform.get("platform") or ("not an image" if platform.get("verdict") == "not_applicable" else "not given")


def _attests(platform: Mapping[str, str]) -> bool:
    return platform.get("platform") == "unknown/unknown" and platform.get("verdict") == "not_applicable"


@register.inclusion_tag("compliance/parts/verdict.html")
def outcome(value: str) -> dict[str, object]:
    """A rule's answer, drawn like a verdict."""
    words = {"ok": "OK", "violated": "Violated", "unknown": "Unknown", "not_applicable": "N/A"}
    return {"kind": _OUTCOMES.get(value, "none"), "text": words.get(value, "Not asked"), "small": False}


@register.inclusion_tag("compliance/parts/copy.html")
def copy(text: str, what: str = "text") -> dict[str, str]:
    """A button that copies a text; without JavaScript it stays hidden."""
    return {"text": text, "what": what}


@register.inclusion_tag("compliance/parts/digest.html")
def digest(value: str, *, link: bool = True) -> dict[str, Any]:
    """Twelve characters of a digest with a link to its page and a copy button."""
    return {"digest": value, "link": link}


@register.inclusion_tag("compliance/parts/prose.html")
def prose(text: str) -> dict[str, tuple[Block, ...]]:
    """Markdown of ours (fixes, explanations): paragraphs, lists, code."""
    return {"blocks": parse_prose(text)}


@register.simple_tag
def inline(text: str) -> tuple[Span, ...]:
    """One sentence of Markdown as spans."""
    return spans(text)


@register.inclusion_tag("compliance/parts/pager.html", takes_context=True)
def pager(context: template.Context, paging: object) -> dict[str, object]:
    """Numbered pages that keep the filters in the address."""
    return {"paging": paging, "request": context["request"]}


@register.inclusion_tag("compliance/parts/sort.html", takes_context=True)
def sort(context: template.Context, current: str, key: str, label: str, kind: str = "") -> dict[str, object]:
    """The head of a sortable column; a second click turns the order around."""
    descending = current == f"-{key}"
    active = descending or current == key
    state = ("descending" if descending else "ascending") if active else "none"
    return {
        "request": context["request"],
        "label": label,
        "kind": kind,
        "next": key if descending or not active else f"-{key}",
        "state": state,
        "aria": state if active else "",
    }


@register.filter
def signed(number: float | None) -> str:
    """A difference with its sign; nothing where there is nothing to compare."""
    if number is None:
        return "–"
    if abs(number) < 0.05:
        return "±0"
    return f"{'+' if number > 0 else '−'}{abs(number):.1f}"


register.filter("with_sign", with_sign)


@register.filter
def direction(number: float | None) -> SafeString | str:
    """An arrow for a difference: better, worse, or nothing."""
    if number is None or abs(number) < 0.05:
        return ""
    return "▲" if number > 0 else "▼"


@register.filter
def percent(share: float | None) -> str:
    """``87.4 %``; a share that is not whole never rounds up to 100 nor down to 0."""
    if share is None:
        return "–"
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share * 100:.1f} %".replace(".0 %", " %")


class Counted(Protocol):
    """A number and the query string of the list of exactly what it counts."""

    @property
    def count(self) -> int:
        """How many."""

    @property
    def address(self) -> str:
        """With its question mark."""

    @property
    def after(self) -> str:
        """What stands behind the number."""


@register.simple_tag
def counted(base: str, number: Counted) -> str:
    """A number as a link; ``data-count`` is what a test looks for in the list that it leads to."""
    words = f" {number.after}" if number.after else ""
    shown = f"{number.count:,}{words}"
    return format_html('<a href="{}{}" data-count="{}">{}</a>', base, number.address, number.count, shown)
