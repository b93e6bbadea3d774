"""Every page that can be asked for, by whom, and the filters that hurt most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.tokens import default_token_generator
from django.db.models import Count
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from benchmarks.support.stored_work import RULES
from compliance.models import (
    Channel,
    Finding,
    InboundEvent,
    Membership,
    Repository,
    Scan,
    Tag,
    Team,
    User,
    Waiver,
)
from tests.support.rights import PAGES, Page

ANYBODY, LEAD, SECURITY, ADMIN = "nobody", "lead", "security", "admin"

_FINDINGS = (
    *(f"tab={tab}" for tab in ("review", "mine", "teams", "open", "regressed", "overdue", "waived", "all")),
    *("fixed=30d", "fixed=365d", "opened=30d", "opened=365d", "reopened=90d", "page=60", "tab=all&page=200"),
    *("team={team}", "team=none", "registry=bench", "repository=bench/{repository}", "rule=NR103", "subject=root"),
    *("q=service77", "q=critical+root", "q=team1", "q=NR101+overdue", "severity=critical,high", "status=-open"),
    *("due=overdue", "due=week", "due=none", "age=>90d", "age=8-30d", "is=protected", "is=new-since-baseline"),
    *(
        "is=regression",
        "assignee=nobody",
        "assignee=somebody",
        "assignee=me",
        "platform=linux/arm64",
        "waiver={waiver}",
        "base=none",
        "base={base}",
        "base={base}&tab=all",
    ),
    *(f"group={group}" for group in ("rule", "repository", "team", "registry", "base")),
    *(f"group={group}&tab=all" for group in ("rule", "repository", "team", "base")),
    *("group=rule&opened=NR103", "group=team&q=service7", "sort=severity", "sort=due", "sort=-age", "sort=age"),
    *("sort=repository", "sort=repository&tab=all", "sort=due&tab=all", "size=250", "f={finding}"),
)
_REPOSITORIES = (
    *("q=service77", "verdict=fail", "grade=A", "sort=score", "sort=-pushed", "sort=tags", "sort=-findings"),
    *("page=10", "registry=bench"),
    *(f"show={show}" for show in ("failing", "week", "unknown", "stale", "never", "error")),
    *("policy=kubernetes", "policy=strict", "pattern=*77*", "team={team}", "team=none"),
)
_TAGS = (
    *("verdict=pass", "verdict=fail", "verdict=waived", "verdict=unknown", "verdict=fail&page=50", "page=100"),
    *("q=service77", "registry=bench", "team={team}", "team={team}&verdict=fail", "finding={finding}"),
    *("rule=NR101&verdict=fail", "rule=NR101&q=service77", "rule=NR101&page=100", "rule=NR101&team={team}"),
    *("rule=NR101&policy=kubernetes", "rule=NR101&policy=strict", "rule=NR503&policy=kubernetes"),
    *("rule=NR101&registry=bench", "policy=strict", "policy=strict&verdict=fail"),
)
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "overview": (
        *(
            "days=7",
            "days=90",
            "days=365",
            "team={team}",
            "team={team}&days=365",
            "registry=bench",
            "registry=bench&days=365",
        ),
        "team=none",
    ),
    "remediation": (
        *("days=7", "days=90", "days=365", "team={team}", "team={team}&days=365", "team=none", "page=2"),
        *("view=board", "view=board&days=365", "view=board&team={team}", "view=board&team=none"),
        *("registry=bench", "registry=bench&days=365", "registry=bench&team={team}", "view=board&registry=bench"),
    ),
    "repository": ("verdict=fail", "q=1", "sort=size"),
    "repository_trend": ("by=week", "by=month", "rules=today"),
    "compare": ("a={tag}&b={other_tag}",),
    "team": ("days=90", "days=365"),
    "teams": ("q=7", "page=3"),
    "finding": ("events=",),
    "waivers": ("state=expiring", "state=expired", "state=all", "rule=NR103", "team={team}", "q=7", "page=5"),
    "waiver_new": ("finding={finding}", "tab=open&team={team}"),
    "waiver_covered": ("rule=NR103&team={team}",),
    "unowned": ("q=7",),
    "findings_views": ("counted=all", "counted=pinned"),
    "findings_export": (
        *("format=csv", "format=ndjson", "format=sarif", "format=md", "tab=all&format=csv"),
        "fixed=30d",
    ),
    "waivers_export": ("state=all",),
}
_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "scans": ("tab=errors", "trigger=webhook", "registry=bench", "page=5"),
    "scan": ("show=done", "show=failed"),
    "webhooks": ("registry=bench", "outcome=ignored", "period=week", "q=service7"),
    "settings_audit": ("kind=finding", "action=changed", "period=month", "person=bench-lead"),
}
# In the middle of a login, for programs with a token, and for who has a second factor.
_NOT_BY_A_SESSION = (
    *("mfa_authenticate", "login_passkey", "sign_on_back", "api_summary", "settings_factor_off", "settings_codes"),
    *("settings_passkey", "settings_passkey_remove"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An address and who asks for it."""

    who: str
    path: str


def people() -> dict[str, User]:
    """Who asks: a security engineer, a lead of the largest team and of no other, and an administrator for the rest."""
    found = {
        who: User.objects.get_or_create(username=f"bench-{who}", defaults={"role": role, "password": "!"})[0]
        for who, role in ((SECURITY, "security"), (LEAD, "member"), (ADMIN, "admin"))
    }
    Membership.objects.get_or_create(team=_team(), user=found[LEAD], defaults={"role": "lead"})
    return found


def unaskable() -> list[str]:
    """Names of the addresses that only take posts, or that answer a token or the middle of a login alone."""
    return sorted(name for name, page in PAGES.items() if not _is_asked(name, page))


def _is_asked(name: str, page: Page) -> bool:
    return page.get is not None and name not in _NOT_BY_A_SESSION


def every_page() -> Iterator[Asked]:
    """Each page of the site as everybody who may read it, then the filters that hurt."""
    things = _things()
    words = {
        "team": _team().slug,
        "repository": things["repository"]["name"],
        "finding": things["finding"]["finding_id"],
        "waiver": things["waiver"]["waiver_id"],
        "tag": things["tag"]["tag"],
        "base": _base() or "none",  # a folder of before has none
        "other_tag": Tag.objects.filter(repository__name=things["repository"]["name"], verdict="pass")[0].name,
    }
    filters = {"findings": _FINDINGS, "repositories": _REPOSITORIES, "tags": _every_rule(), **_OTHERS, **_OPERATIONS}
    for name, page in PAGES.items():
        if not _is_asked(name, page):
            continue
        path = reverse(name, kwargs=dict(things[page.about]))
        for query in ("", *filters.get(name, ())):
            for who in _askers(page):
                yield Asked(who, path + ("?" + query.format(**words) if query else ""))
    yield Asked(SECURITY, reverse("people_find") + "?" + urlencode({"person": "pat"}))


def _every_rule() -> tuple[str, ...]:
    return (*_TAGS, *(f"rule={rule}" for rule in RULES))


def _askers(page: Page) -> tuple[str, ...]:
    if page.public:
        return (ANYBODY,)
    return tuple(who for who in (SECURITY, LEAD) if who in (page.get or ())) or (ADMIN,)


def _base() -> str | None:
    found = Finding.objects.to_do().filter(repository__team=_team()).exclude(base=None)
    return found.values_list("base__name", flat=True).first()


def _team() -> Team:
    return Team.objects.annotate(owned=Count("repositories")).order_by("-owned", "pk")[0]


def _things() -> dict[str, Mapping[str, object]]:
    """What the parts of addresses are filled in with: of the lead's team where it belongs to one."""
    team = _team()
    busiest = (
        Repository.objects.filter(team=team, registry__slug="bench")
        .annotate(n=Count("findings"))
        .order_by("-n", "pk")[0]
    )
    at = {"slug": busiest.registry.slug, "name": busiest.name}
    tag = Tag.objects.filter(repository=busiest, verdict="fail").select_related("image")[0]
    worked_on = Finding.objects.filter(repository=busiest).to_do().annotate(n=Count("events")).order_by("-n", "pk")[0]
    waiver = Waiver.objects.filter(team=team).annotate(n=Count("findings")).order_by("-n", "pk")[0]
    person = User.objects.get(username=f"bench-{LEAD}")
    link = {
        "uidb64": urlsafe_base64_encode(force_bytes(person.pk)),
        "token": default_token_generator.make_token(person),
    }
    return {
        "": {},
        "channel": {"channel_id": Channel.objects.get(team=team).pk},
        "delivery": {"event_id": InboundEvent.objects.latest("pk").pk},
        "finding": {"finding_id": worked_on.pk},
        "person": {"person": person.pk},
        "image": {"digest": tag.digest},
        "link": link,
        "policy": {"name": "kubernetes"},
        "registry": {"slug": "bench"},
        "repository": at,
        "rule": {"rule_id": "NR103"},
        "scan": {"scan_id": Scan.objects.filter(partial=False, registry__slug="bench").latest("pk").pk},
        "tag": {**at, "tag": tag.name},
        "team": {"slug": team.slug},
        "waiver": {"waiver_id": waiver.pk},
    }
