"""The same number of queries for one repository as for two hundred, page by page. Two are the session and its user."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from tests.compliance.views.test_policies import entered
from tests.support.hooks import Hook, delivered
from tests.support.rows import fleet

QUERIES = {
    "/": 14,
    "/?days=365": 14,
    "/repos/": 7,
    "/repos/?q=app&sort=-score&verdict=fail": 7,
    "/tags/": 5,
    "/tags/?verdict=fail": 5,
    "/tags/?rule=NR103": 5,
    "/r/harbor/team/app-0000/-/": 7,
    "/r/harbor/team/app-0000/-/?by=month&q=1": 7,
    "/r/harbor/team/app-0000/-/t/latest/": 5,
    "/i/{image}/": 6,
    "/registries/": 5,
    "/registries/harbor/": 7,
    "/rules/": 3,
    "/rules/NR103/": 4,
    "/policies/": 5,
    "/policies/kubernetes/": 9,
    "/policies/kubernetes/history/": 6,
    "/policies/kubernetes/history/?a=1&b=1": 6,
    "/repos/?policy=kubernetes&pattern=team/*": 8,
    "/tags/?rule=NR103&policy=kubernetes": 6,
    "/scans/": 5,
    "/scans/?tab=errors&trigger=page&registry=harbor": 5,
    "/scans/{scan}/": 6,
    "/scans/{scan}/?show=done": 6,
    "/scans/{scan}/changes/": 5,
    "/scans/{scan}/changes/?kind=new": 5,
    "/webhooks/": 8,
    "/webhooks/?registry=harbor&outcome=accepted&product=distribution&period=week&q=app": 9,
    "/webhooks/?scan={scan}&before=999": 8,
    "/webhooks/{delivery}/": 10,
    "/registries/harbor/webhook/": 7,
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
    with django_assert_num_queries(3):
        form = entered(admin)
    with django_assert_num_queries(9):
        admin.post("/policies/kubernetes/preview/", {**form, "NR301-fails": "on"})
    with django_assert_num_queries(12):
        admin.post("/policies/strict/scope/preview/", {"pattern": "team/*"}, headers={"HX-Request": "true"})
