"""Listings end, or are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import Refused
from scanner.sources.registry.addresses import Target, parse_target
from scanner.sources.registry.paging import Page, names_of_all_pages, next_page

BASE = parse_target("https://registry.example/v2/_catalog?n=2")


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ('</v2/_catalog?last=b&n=2>; rel="next"', "/v2/_catalog?last=b&n=2"),
        ("<?last=b>; rel=next", "/v2/_catalog?last=b"),
        ('<https://registry.example/v2/_catalog?last=b>; rel="next"', "/v2/_catalog?last=b"),
        ('<https://registry.example:443/x>;rel="next"', "/x"),
        ('</first>; rel="first", </x>; title="a, b"; REL="Next"', "/x"),
        ('</x>; rel="prev next"', "/x"),
    ],
)
def test_the_next_page(header: str, path: str) -> None:
    assert next_page(BASE, [header]) == Target(BASE.origin, path)


@pytest.mark.parametrize(
    "header", ["", "</x>", '</x>; rel="prev"', '</x>; rel="nextish"', "x; rel=next", "</x>; rel=nexty"]
)
def test_no_next_page(header: str) -> None:
    assert next_page(BASE, [header]) is None


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/v2/_catalog",
        "http://registry.example/v2/_catalog",
        "https://registry.example:8443/v2/_catalog",
        "//evil.example/x",
        "https://registry.example@evil.example/x",
        "file:///etc/passwd",
        "https://[",
    ],
)
def test_a_next_page_elsewhere_is_refused(location: str) -> None:
    with pytest.raises(Refused) as caught:
        next_page(BASE, [f'<{location}>; rel="next"'])
    assert caught.value.code == "pagination-forbidden"


def target(number: int) -> Target:
    return Target(BASE.origin, f"/v2/_catalog?last={number}")


def collect(pages: dict[int, Page], *, most_pages: int = 100, most_names: int = 100) -> list[str]:
    def fetch(at: Target) -> Page:
        return pages[int(at.path.rpartition("=")[2])]

    limits = replace(DEFAULT_LIMITS, pages=most_pages, repositories=most_names)
    return list(names_of_all_pages(pages[0], fetch, "repositories", limits))


def test_every_name_once_in_order() -> None:
    pages = {0: Page(["a", "b"], target(1)), 1: Page(["b", "c", "c"], target(2)), 2: Page([], None)}
    assert collect(pages) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "pages",
    [
        {0: Page(["a"], target(1)), 1: Page(["b"], target(1))},
        {0: Page(["a"], target(1)), 1: Page(["b"], target(2)), 2: Page(["c"], target(1))},
        {number: Page([], target(number + 1)) for number in range(50)},
        {number: Page(["a"], target(number + 1)) for number in range(50)},
        {number: Page([str(number)], target(number + 1)) for number in range(150)},
    ],
)
def test_listings_that_do_not_end(pages: dict[int, Page]) -> None:
    with pytest.raises(Refused) as caught:
        collect(pages, most_names=1_000)
    assert caught.value.code == "pagination-loop"


def test_listings_that_are_too_long() -> None:
    with pytest.raises(Refused) as caught:
        collect({0: Page([str(number) for number in range(101)], None)})
    assert caught.value.code == "too-large"
