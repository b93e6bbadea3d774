"""Every number that is a link counts the rows of the list it leads to, on every page of the site.

A page joins by being in ``tests/support/rights.py``. A number is what a link says between blanks; ``data-count`` says
which, and ``data-total`` on the other side how many rows there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin

import pytest
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from tests.support.everybody import World, one_tenant, quiet, standing
from tests.support.pages import Element, Page
from tests.support.rights import PAGES
from tests.support.tenants import KINDS, OWNED

pytestmark = pytest.mark.django_db

HOST: Final = "http://testserver"
NUMBER: Final = re.compile(r"(?<!\S)\d[\d,]*(?!\S)")
NO_COUNT: Final = re.compile(
    r"[?&](page|size|days)=|^#|^/i/|&group=repository$|^https://"
    # Pages, sizes and windows; places on the same page; digests; groups, not rows; elsewhere.
)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Two tenants who own all kinds of things."""
    with django_db_blocker.unblock(), quiet():
        made = one_tenant()
        made.add_others()
        yield made


def pages(world: World, who: str) -> Iterator[tuple[str, Page]]:
    """All that somebody may read, with their addresses."""
    for name, page in PAGES.items():
        if page.get is None or (page.about and page.about not in KINDS) or page.public:
            continue
        if standing(who, True if page.about in OWNED else None) not in page.get:
            continue
        url = reverse(name, kwargs=dict(KINDS[page.about](world.ours)) if page.about else {})
        response = world.ask(who, "GET", url)
        if response.status_code == 200 and response.headers["Content-Type"].startswith("text/html"):
            yield url, Page(response.getvalue().decode())


def says_a_number(link: Element) -> bool:
    """Whether it counts something."""
    return bool(NUMBER.search(link.text)) and not NO_COUNT.search(link.attributes["href"])


@pytest.mark.parametrize("who", ["admin", "lead"])
def test_every_number_says_what_it_counts(world: World, who: str) -> None:
    silent, wrong, totals, checked = [], [], {}, 0
    for url, page in pages(world, who):
        for link in page.all("a"):
            if "data-count" not in link.attributes:
                silent += [f"{url}: “{link.text}” → {link.attributes['href']}"] if says_a_number(link) else []
                continue
            path = urljoin(f"{HOST}{url}", link.attributes["href"]).removeprefix(HOST).partition("#")[0]
            if path not in totals:
                totals[path] = total_of(world, who, path)
            checked += 1
            if totals[path] != int(link.attributes["data-count"]):
                wrong.append(f"{url}: {link.text} → {path} has {totals[path]}")
    assert silent == []
    assert wrong == []
    assert checked > 100


def total_of(world: World, who: str, path: str) -> int | None:
    """How many rows a list says it has; ``None`` where it does not say so once."""
    page = Page(world.ask(who, "GET", path).getvalue().decode())
    found = [element.attributes["data-total"] for element in page.elements if "data-total" in element.attributes]
    return int(found[0]) if len(found) == 1 else None
