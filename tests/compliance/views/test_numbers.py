"""Every number that is a link counts exactly the rows of the list it leads to.

A page joins with an address in ``PAGES``, where its links carry ``data-count`` (the tag ``counted`` writes one); a list
joins with ``data-total`` on the element that holds it, ``#results``.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from django.test import Client

from compliance.models import Finding, Registry, Repository, SavedView, Tag, Team, User
from compliance.remediation.metrics import Span
from compliance.remediation.status import Resolution
from compliance.services.grade_repositories import grade_repositories
from tests.support.hooks import Hook
from tests.support.pages import Page, get
from tests.support.remediation import finding, finding_row, findings, own, team
from tests.support.rows import NOW, Fleet, fleet, never_scanned, registry, user
from tests.support.spans import ago, store

PAGES = (
    "/",
    "/?team=payments",
    "/?team=none",
    "/?registry=harbor&days=7",
    "/?registry=harbor&team=payments",
    "/?registry=quay&team=payments",
    "/?registry=quay&team=none",
    "/?environment=production",
    "/?environment=staging&team=none",
    "/?environment=production&registry=harbor&team=payments&days=90",
    "/?environment=staging&registry=harbor",
    "/remediation/",
    "/remediation/?days=7",
    "/remediation/?days=365&team=payments",
    "/remediation/?team=none&days=90",
    "/remediation/print/",
    "/remediation/print/?days=365&team=payments",
    "/remediation/?view=board",
    "/remediation/?view=board&team=payments&days=90",
    "/remediation/?view=board&lanes=repository",
    "/remediation/?registry=harbor&days=90",
    "/remediation/?environment=staging&days=365",
    "/remediation/?registry=harbor&environment=production&team=payments",
    "/remediation/?registry=quay&team=none",
    "/remediation/?view=board&registry=harbor",
    "/remediation/?view=board&environment=staging&team=none",
    "/remediation/print/?team=none",
    "/remediation/print/?registry=quay",
    "/remediation/print/?environment=production&team=payments&days=90",
    "/teams/payments/",
    "/repos/",
    "/r/harbor/team/app-0000/-/",
    "/r/harbor/team/app-0000/-/?group=digest",
    "/rules/",
    "/rules/NR103/",
    "/findings/",
    "/findings/?tab=all&team=payments",
    "/findings/?group=rule",
    "/findings/?environment=staging&group=team",
    "/findings/views/?counted=all",
    "/repos/?environment=production",
    "/findings/?tab=all&group=team",
    "/waivers/",
)


class Crawl:
    """Follows every number once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.totals: dict[str, int] = {}
        self.checked = 0
        self.wrong: list[str] = []

    def look(self, url: str) -> None:
        """Check the numbers of one page."""
        for link in get(self.client, url).elements:
            if "data-count" in link.attributes:
                target = urljoin(f"http://testserver{url}", link.attributes["href"])
                self._check(url, target, link.attributes["data-count"])

    def _check(self, page: str, target: str, said: str) -> None:
        path = target.removeprefix("http://testserver").partition("#")[0]
        if path not in self.totals:
            self.totals[path] = total_of(get(self.client, path), path)
        self.checked += 1
        if self.totals[path] != int(said):
            self.wrong.append(f"{page}: {said} → {path} has {self.totals[path]}")


def total_of(page: Page, path: str) -> int:
    """How many rows a list says it has."""
    found = [element.attributes["data-total"] for element in page.elements if "data-total" in element.attributes]
    assert len(found) == 1, f"{path} does not say how many rows it has"
    return int(found[0])


@pytest.fixture
def lead(db: None) -> User:
    """Somebody with a team of their own."""
    return user("lead", role="member")


@pytest.fixture
def made(lead: User) -> Fleet:
    """Everything that is counted: findings in every state, of two teams and of none, episodes, waivers."""
    made = fleet(8)
    own(team("Payments", lead=lead), made.repositories[:4])
    own(team("Shop"), made.repositories[4:6])
    quay = registry("Quay", problem_code="denied", problem_message="No.")
    for home, enabled, unannounced in ((made.registry, True, 3), (quay, True, 0), (registry("Zot"), False, 9)):
        endpoint = Hook(home).endpoint
        endpoint.enabled, endpoint.unannounced = enabled, unannounced
        endpoint.save()
    own(Team.objects.get(slug="payments"), [never_scanned(quay, "pay/new")])
    findings(finding_row(never_scanned(quay, name), "NR103") for name in ("team/new", "team/newer"))
    Tag.objects.filter(repository=made.repositories[1], name="latest").update(excused_as="waived")
    Repository.objects.filter(pk=made.repositories[1].pk).update(failed=0, waived=1)
    Finding.objects.all().delete()
    made.registry.protected_tags, made.registry.environment = ["late*"], "production"
    made.registry.save()
    Registry.objects.filter(pk=quay.pk).update(environment="staging")
    grade_repositories(made.registry, now=NOW)
    finding(made.repositories[0], "NR104", platform="linux/arch1", tags=made.tags[:2])
    finding(made.repositories[0], "NR104", platform="linux/arch2", tags=made.tags[:1])
    finding(made.repositories[5], "NR104", subject="", tags=made.tags[10:12])
    statuses = ("new", "open", "in_progress", "fix_claimed", "regressed", "waived", "false_positive", "open")
    for number, repository in enumerate(made.repositories):
        findings(
            finding_row(
                repository,
                f"NR{101 + number % 3}",
                subject=f"user{number % 2}" if at % 2 else "",
                platform=f"linux/arch{at}",
                rank=(number + at) % 5,
                status=status,
                protected=at % 3 == 0,
                opened_at=NOW - timedelta(days=(1, 8, 31, 91, 10, 20, 5, 200)[at]),
                due_at=(NOW - timedelta(days=1), NOW + timedelta(days=2), NOW + timedelta(days=30), None)[at % 4],
            )
            for at, status in enumerate(statuses)
        )
        store(
            [
                Span(number, ago(60), ago(40), Resolution.PROVED, due_at=ago(45)),
                Span(number, ago(20), ago(3), Resolution.GONE, reopened=True),
                Span(100 + number, ago(50), ago(6), Resolution.PROVED),
                Span(100 + number, ago(2), reopened=True),
                Span(200 + number, ago(50), ago(5), Resolution.POLICY),
            ],
            repository,
        )
    security = user("security", role="security")
    queries = (
        "tab=overdue",
        "tab=mine",
        "tab=teams",
        "severity=high&group=rule",
        "q=app&sort=age",
        "fixed=90d",
        "q=a:b",
    )
    SavedView.objects.bulk_create(
        SavedView(name=query, query=query, by=security, shared=True) for query in (*queries, "team=payments&tab=all")
    )
    return made


@pytest.mark.parametrize("who", ["reader", "lead"])
def test_every_number_counts_the_list_it_leads_to(
    made: Fleet, reader: Client, lead: User, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = reader
    if who == "lead":
        client = Client()
        client.force_login(lead)
    crawl = Crawl(client)
    for url in PAGES:
        crawl.look(url)
    with capsys.disabled():
        sys.stdout.write(f"\n{who}: {crawl.checked} numbers checked against {len(crawl.totals)} lists\n")
    assert crawl.wrong == []
    assert crawl.checked > 150
    assert sum(total > 0 for total in crawl.totals.values()) > 60
