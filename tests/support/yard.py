"""A company small enough to be told about: a real registry that announces, two teams, three weeks of findings.

Everything is the product's own: scans with past clocks, rules of ownership, waivers. Only the clock is ours.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from django.conf import settings

from compliance.localstack.ports import free_port
from compliance.models import Finding, Registry, Scan, State, TeamRoleChoice, User
from compliance.policy.schedule import Schedule
from compliance.remediation.change import Assign
from compliance.remediation.waiver import WaiverScope
from compliance.services.change_findings import change_findings
from compliance.services.change_members import set_member
from compliance.services.close_days import close_days
from compliance.services.ownership_rules import add_rule
from compliance.services.publish_policies import publish_policies
from compliance.services.run_scan_inline import run_scan_inline
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.save_team import create_team
from compliance.services.save_terms import save_terms
from compliance.services.webhook_endpoints import make_endpoint
from compliance.services.write_waiver import Draft, write_waiver
from tests.support.demo import habits
from tests.support.demo.families import ALPINE, DEBIAN, DISTROLESS, UBI, Family
from tests.support.demo.habits import Habit
from tests.support.demo.services import FIRST, Service, build
from tests.support.images import Stored
from tests.support.oci_layout import OciLayout
from tests.support.real_registry import Announced, RealRegistry, running_registry
from tests.support.rows import user
from tests.support.workers import worker

DAYS_AGO = (23, 9, 2)
"""When the registry was scanned; each time one version more is there."""

TERMS = ((7, 14), (14, 30), (30, 60), (90, 180), (None, None))
"""Days by severity, on a protected tag and elsewhere: what a migration brings, and tests take away."""

WAIVED_FOR = 6
"""Days from now until the waiver of the ledger is over."""


def _service(name: str, family: Family, program: str, habit: Habit) -> Service:
    return Service(name, family, program, ((FIRST, habit),), version=(2, 3))


SERVICES: Mapping[str, tuple[Service, Habit]] = {
    service.repository: (service, service.habits[0][1])
    for service in (
        _service("payments/checkout", DEBIAN, "python3.12", habits.ROOT),
        _service("payments/ledger", UBI, "java", habits.NAMED),
        _service("payments/rates", DISTROLESS, "rates", habits.NONROOT),
        _service("web/search", ALPINE, "node", habits.ROOT),
        _service("vendor/scan-agent", UBI, "agent", habits.ASKED_FOR_ROOT),
        _service("legacy/fax", DEBIAN, "hylafax", habits.ROOT),
    )
}


@dataclass(slots=True)
class Yard:
    """What a story is told about."""

    registry: RealRegistry
    row: Registry
    folder: Path
    began: datetime

    def push_fixed(self, repository: str) -> None:
        """Push every version of a repository again with skopeo, as a numeric user."""
        layout = OciLayout(self.folder / "fixed")
        for tag, stored in _versions(repository, habits.NUMERIC, self.began).items():
            layout.tag(repository, tag, stored)
            self.registry.skopeo_copy(f"oci:{layout.folder}:{repository}:{tag}", repository, tag)

    def worker(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A worker with a tick, for as long as the block lasts."""
        return worker(self.folder)


@contextmanager
def open_yard(site: str, folder: Path) -> Iterator[Yard]:
    """Fill and scan the registry as of three weeks ago, then let it announce to the site."""
    now = datetime.now(UTC)
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    publish_policies(now - timedelta(days=30))
    port = free_port()
    values = RegistryValues(
        "Harbor Street",
        f"http://127.0.0.1:{port}",
        "kubernetes",
        allow_private=True,
        protected_tags=("prod",),
        schedule=Schedule(interval_minutes=0),
    )
    row = save_registry(values, now=now - timedelta(days=30))
    _open_company(row, now - timedelta(days=30))
    (folder / "registry").mkdir()
    with running_registry(folder / "registry", port=port) as silent:
        _play(silent, row, now)
    made = make_endpoint(row, "distribution", now=now)
    announced = Announced(f"{site}/hooks/{made.endpoint.key}/", f"Bearer {made.secret}")
    with ExitStack() as stack:
        registry = stack.enter_context(running_registry(folder / "registry", announced=announced, port=port))
        yield Yard(registry, row, folder, now)


def _open_company(row: Registry, now: datetime) -> None:
    boss, people = user("root-of-all", staff=True), {name: user(name, role="member") for name in ("ada", "ben", "fay")}
    user("nora", role="security")
    terms = {(rank, place == 0): days for rank, both in enumerate(TERMS) for place, days in enumerate(both)}
    save_terms(terms, by=boss, now=now)
    for name, pattern, members in (
        ("Payments", "payments/*", (("ada", TeamRoleChoice.LEAD), ("ben", TeamRoleChoice.TRIAGER))),
        ("Web", "web/*", (("fay", TeamRoleChoice.LEAD),)),
    ):
        team = create_team(name, "", now=now)
        add_rule(team, pattern, registry=row, by=boss, now=now)
        for member, role in members:
            set_member(team, people[member], role)


def _play(registry: RealRegistry, row: Registry, now: datetime) -> None:
    for number, days in enumerate(DAYS_AGO):
        day = now - timedelta(days=days)
        for name, (service, habit) in SERVICES.items():
            stored = build(service, number, habit, None, day - timedelta(hours=5))
            tags = ("prod",) if number == 1 and name.startswith("payments/") else ()
            for tag in (f"2.3.{number}", "latest", *tags):
                registry.push(name, tag, stored)
        close_days(day)
        scan(row, day)


def scan(row: Registry, at: datetime) -> None:
    """Scan everything with a clock that stands still."""
    done = run_scan_inline(row, clock=lambda: at, trigger=Scan.Trigger.SCHEDULE)
    assert done.state == State.DONE, done.problem_message


def _versions(repository: str, habit: Habit, moment: datetime) -> dict[str, Stored]:
    service, _ = SERVICES[repository]
    service = replace(service, habits=((FIRST, habit),))
    images = [build(service, number, habit, None, moment) for number in range(len(DAYS_AGO))]
    numbered = {f"2.3.{number}": stored for number, stored in enumerate(images)}
    return {**numbered, "latest": images[-1], "prod": images[1]}


def hand_over(yard: Yard) -> None:
    """What somebody of security did before a lead's story begins: work given to her, and a waiver for a while."""
    nora, ada = User.objects.get(username="nora"), User.objects.get(username="ada")
    mine = Finding.objects.filter(repository__name="payments/checkout", rule="NR101")
    change_findings(mine, Assign(ada.pk), by=nora, now=yard.began - timedelta(days=1))
    until = (yard.began + timedelta(days=WAIVED_FOR)).date()
    draft = Draft(
        title="Ledger, until the new base image",
        scope=WaiverScope("NR105", yard.row.pk, "payments/ledger"),
        reason="migration",
        explanation="The base image of March has a numeric user.",
        control="Only the batch network reaches it.",
        owner=ada,
        until=until,
    )
    write_waiver(draft, by=nora, now=yard.began - timedelta(days=1, hours=2))
