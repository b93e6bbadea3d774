"""The same number of queries for one repository as for two hundred, page by page. Three are the session, its user and
the user's teams."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from tests.compliance.views.test_policies import entered
from tests.support.hooks import Hook, delivered
from tests.support.rows import fleet

QUERIES = {
    "/": 14,  # one of them is the failing protected tags of the day the window began
    "/?days=365": 14,
    "/repos/": 9,
    "/repos/?q=app&sort=-score&verdict=fail": 9,
    "/tags/": 6,
    "/tags/?verdict=fail": 6,
    "/tags/?rule=NR103": 6,
    "/r/harbor/team/app-0000/-/": 10,
    "/r/harbor/team/app-0000/-/?q=1": 10,
    "/r/harbor/team/app-0000/-/trend/": 9,
    "/r/harbor/team/app-0000/-/trend/?by=month": 9,
    "/r/harbor/team/app-0000/-/?group=digest": 12,
    "/r/harbor/team/app-0000/-/trend/export/": 7,
    "/r/harbor/team/app-0000/-/t/latest/": 6,
    "/r/harbor/team/app-0000/-/compare/?a=1.0&b=latest": 9,
    "/i/{image}/": 7,
    "/remediation/": 12,  # 8 once the process keeps pace and days; one is for the registries to choose among
    "/remediation/?view=board": 11,
    "/remediation/?view=board&lanes=repository": 11,
    "/registries/": 6,
    "/registries/harbor/": 8,
    "/rules/": 4,
    "/rules/NR103/": 5,
    "/policies/": 6,
    "/policies/kubernetes/": 10,
    "/policies/kubernetes/history/": 7,
    "/policies/kubernetes/history/?a=1&b=1": 7,
    "/repos/?policy=kubernetes&pattern=team/*": 10,
    "/tags/?rule=NR103&policy=kubernetes": 7,
    "/scans/": 6,
    "/scans/?tab=errors&trigger=page&registry=harbor": 6,
    "/scans/{scan}/": 7,
    "/scans/{scan}/?show=done": 7,
    "/scans/{scan}/changes/": 6,
    "/scans/{scan}/changes/?kind=new": 6,
    "/webhooks/": 9,
    "/webhooks/?registry=harbor&outcome=accepted&product=distribution&period=week&q=app": 10,
    "/webhooks/?scan={scan}&before=999": 9,
    "/webhooks/{delivery}/": 11,
    "/registries/harbor/webhook/": 8,
}


@pytest.mark.parametrize("repositories", [1, 200])
def test_queries_do_not_grow(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries, repositories: int
) -> None:
    made = fleet(repositories)
    Hook(made.registry)
    for _ in range(repositories):
        delivery = delivered(made.registry, *map(str, range(repositories)), scan=made.scan)
    for template, expected in QUERIES.items():
        url = template.format(image=made.failing.digest, scan=made.scan.pk, delivery=delivery.pk)
        with django_assert_num_queries(expected, info=url):
            assert reader.get(url).status_code == 200


@pytest.mark.parametrize("repositories", [1, 200])
def test_queries_of_previews_do_not_grow(
    admin: Client, django_assert_num_queries: DjangoAssertNumQueries, repositories: int
) -> None:
    fleet(repositories)
    with django_assert_num_queries(4):
        form = entered(admin)
    with django_assert_num_queries(10):
        admin.post("/policies/kubernetes/preview/", {**form, "NR301-fails": "on"})
    with django_assert_num_queries(13):
        admin.post("/policies/strict/scope/preview/", {"pattern": "team/*"}, headers={"HX-Request": "true"})
