"""What the company's people did about what the scans of sixty days found: who, on which day, what.

Each deed is done after that day's scan, so that a claim is proved or refuted by the next day's.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

from django.db import transaction

from compliance.models import BulkChange, Channel, ChannelKind, NoticeKind, Policy, Registry, Team
from compliance.remediation.status import Status
from compliance.services.end_waivers import tend_waivers
from compliance.services.save_channel import Wanted, add_channel, subscribe
from tests.support.demo import house_rules
from tests.support.demo.company import administrator, open_company
from tests.support.demo.desk import (
    Deed,
    Desk,
    Wish,
    claim,
    give,
    know,
    look_through,
    promise,
    put,
    revoke,
    say,
    waive,
)
from tests.support.demo_registry.server import CHAT
from tests.support.telling import tell_by_clock

_ROOT: Final = ("NR101", "NR102", "NR103")
_LOOKED_THROUGH: Final = (2, 9, 16, 23, 30, 37, 44, 51)
"""Days on which every lead goes through what is new; what came after the last of them is new still."""

_STARTS_AS_ROOT = Wish(
    "php-fpm starts as root", "NR101", "web/admin", "required",
    "The master process opens the log and the socket, then drops to www-data. Upstream has an issue for it.",
    days=30, team="Web", control="Only reachable from the office network.",
)  # fmt: skip
_LOADER = Wish(
    "Loader until the warehouse moves", "NR102", "data/warehouse-loader", "migration",
    "The loader goes away together with the old warehouse in the first week after the quarter.",
    days=42, team="Data", control="Runs in a namespace of its own without a service account token.",
)  # fmt: skip
_FAX = Wish(
    "Fax gateway, until the contract ends", "NR103", "legacy/fax-gateway", "vendor",
    "The vendor supports no other account, and no new version will come.",
    days=75, control="One host, no other workload, egress to the modem only.",
)  # fmt: skip
_ARTICLES = Wish(
    "Images of articles are examples", "NR105", "articles/*", "risk",
    "They are built to show what goes wrong, and are never deployed.", days=150,
)  # fmt: skip
_SET_USER_ID = Wish(
    "mount and su in the base image", "NR402", "platform/mailer", "compensated",
    "The next base image has them removed; until then privilege escalation is switched off where it runs.",
    days=60, team="Platform", control="allowPrivilegeEscalation: false by admission policy.",
)  # fmt: skip
_TOO_WIDE = Wish(
    "Volumes of all pipelines",
    "NR304",
    "data/*",
    "risk",
    "They are mounted with fsGroup anyway.",
    days=120,
    team="Data",
)

DEEDS: Final[tuple[tuple[int, str, Deed], ...]] = (
    (2, "nora", give("payments/api", *_ROOT, to="ada")),
    (2, "nora", say("payments/api", *_ROOT, text="It takes card data, so please begin with this one.")),
    (3, "ada", put("payments/api", *_ROOT, status=Status.IN_PROGRESS)),
    (3, "emil", give("web/", "NR101", to="fay")),
    (4, "fay", put("web/storefront", "NR101", status=Status.IN_PROGRESS)),
    (6, "emil", waive(_STARTS_AS_ROOT)),
    (8, "gus", give("data/", "NR101", "NR105", to="ivo")),
    (10, "gus", know("data/notebooks")),
    (12, "ben", put("payments/api", *_ROOT, status=Status.FIX_CLAIMED, reason="The Dockerfile says USER now.")),
    (13, "ada", say("payments/api", *_ROOT, text="Older versions still run as root; build them again.")),
    (13, "fay", put("web/storefront", "NR101", status=Status.FIX_CLAIMED)),
    (14, "ada", give("payments/api", *_ROOT, to="ben")),
    (15, "ivo", waive(_TOO_WIDE)),
    (16, "gus", revoke(_TOO_WIDE.title)),
    (16, "gus", say("data/etl", "NR304", text="Not for all of them at once: fix the volumes of etl first.")),
    (18, "hana", put("platform/scheduler", "NR109", status=Status.FALSE_POSITIVE,
                     reason="The account comes from LDAP through nss at run time.")),
    (20, "gus", waive(_LOADER)),
    (21, "nora", promise("payments/fraud-model", "NR301", "NR302", days=48, reason="With the next model.")),
    (28, "nora", give("payments/fraud-model", *_ROOT, "NR202", to="ben")),
    (28, "nora", say("payments/fraud-model", *_ROOT,
                     text="A rebuild turned app into uid 0: the last layer rewrites /etc/passwd.")),
    (29, "ben", put("payments/api", *_ROOT, status=Status.FIX_CLAIMED, reason="All kept versions are built again.")),
    (31, "ben", put("payments/fraud-model", *_ROOT, status=Status.IN_PROGRESS)),
    (33, "hana", claim("shipping/tracker", "Platform")),
    (38, "fay", put("web/search", "NR101", status=Status.IN_PROGRESS)),
    (40, "nora", waive(_FAX)),
    (41, "ivo", put("data/etl", "NR101", "NR105", status=Status.IN_PROGRESS)),
    (43, "ivo", put("data/etl", "NR101", "NR105", status=Status.FIX_CLAIMED)),
    (45, "nora", waive(_ARTICLES)),
    (47, "fay", put("web/search", "NR101", status=Status.FIX_CLAIMED)),
    (48, "hana", give("platform/gateway", "NR101", "NR112", to="ivo")),
    (49, "ivo", put("platform/gateway", "NR101", status=Status.FIX_CLAIMED, reason="The arm64 build was forgotten.")),
    (53, "hana", give("platform/mailer", "NR102", to="ivo")),
    (54, "ivo", put("platform/mailer", "NR102", status=Status.IN_PROGRESS)),
    (54, "ivo", say("platform/mailer", "NR102", text="Somebody debugged with USER 0:0 and pushed it. Going back.")),
    (55, "gus", promise("data/", "NR304", days=16, reason="The storage class changes in two weeks.")),
    (58, "hana", waive(_SET_USER_ID)),
    (58, "emil", give("web/search", "NR101", to="fay")),
    (59, "fay", put("web/images", "NR302", status=Status.IN_PROGRESS)),
    (60, "ben", put("payments/fraud-model", "NR201", status=Status.FIX_CLAIMED, reason="The second line is gone.")),
    (60, "emil", say("web/admin", "NR101", text="The waiver is over and upstream has no release. What now?")),
)  # fmt: skip

_LEADS: Final = (("ada", "payments/"), ("emil", "web/"), ("gus", "data/"), ("gus", "ml/"), ("hana", "platform/"))


def _by_day() -> dict[int, list[tuple[str, Deed]]]:
    by_day: dict[int, list[tuple[str, Deed]]] = defaultdict(list)
    for day in _LOOKED_THROUGH:
        by_day[day] += [(lead, look_through(repositories)) for lead, repositories in _LEADS]
    for day, by, deed in DEEDS:
        by_day[day].append((by, deed))
    return by_day


DEEDS_BY_DAY: Final = _by_day()
_CHANNEL_SINCE: Final = 55


def go_to_work(registry: Registry, day: int, *, now: datetime) -> None:
    """Do what people and the clock do after a day's scan; a day that is played again is not worked twice."""
    desk = Desk(registry, now)
    with transaction.atomic():
        if not BulkChange.objects.filter(at=now).exists():
            for by, deed in DEEDS_BY_DAY[day]:
                deed(desk, by)
        if day >= _CHANNEL_SINCE:
            _open_channel(registry, now)
    tend_waivers(now)
    tell_by_clock(now)


def begin_company(registry: Registry, *, now: datetime) -> None:
    """Bring everybody in before the first scan, and have what the platform's own rules find waived by two people."""
    open_company(registry, now=now)
    Policy.objects.filter(name=house_rules.NAME).update(second_person=True)


def _open_channel(registry: Registry, now: datetime) -> None:
    """A chat of each of two teams, which the demo's own registry answers for."""
    for name in ("Web", "Payments"):
        team = Team.objects.get(name=name)
        if not Channel.objects.filter(team=team).exists():
            wanted = Wanted(ChannelKind.WEBHOOK, f"{name} chat", f"{registry.url}{CHAT}", private=True)
            boss = administrator()
            channel = add_channel(team, wanted, by=boss, now=now).channel
            subscribe([channel], [(channel.pk, kind) for kind in NoticeKind.values], by=boss, now=now)
