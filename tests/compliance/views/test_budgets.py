"""The same number of queries for one repository as for two hundred, page by page. Two are the session and its user."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from tests.support.rows import fleet

QUERIES = {
    "/": 12,
    "/?days=365": 12,
    "/repos/": 7,
    "/repos/?q=app&sort=-score&verdict=fail": 7,
    "/tags/": 5,
    "/tags/?verdict=fail": 5,
    "/tags/?rule=NR103": 5,
    "/r/harbor/team/app-0000/-/": 6,
    "/r/harbor/team/app-0000/-/?by=month&q=1": 6,
    "/r/harbor/team/app-0000/-/t/latest/": 5,
    "/i/{image}/": 6,
    "/registries/": 5,
    "/registries/harbor/": 7,
    "/rules/": 3,
    "/rules/NR103/": 4,
    "/policies/": 3,
    "/scans/": 5,
    "/scans/{scan}/": 4,
}


@pytest.mark.parametrize("repositories", [1, 200])
def test_queries_do_not_grow(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries, repositories: int
) -> None:
    made = fleet(repositories)
    for template, expected in QUERIES.items():
        url = template.format(image=made.failing.digest, scan=made.scan.pk)
        with django_assert_num_queries(expected, info=url):
            assert reader.get(url).status_code == 200
