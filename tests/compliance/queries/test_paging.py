"""Numbered pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.queries.paging import page_of


@pytest.mark.parametrize(
    ("asked", "total", "number", "first", "last"),
    [("", 0, 1, 0, 0), ("1", 50, 1, 1, 50), ("2", 51, 2, 51, 51), ("9", 51, 2, 51, 51), ("0", 51, 1, 1, 50),
     ("-2", 51, 1, 1, 50), ("²", 51, 1, 1, 50), ("٢", 51, 1, 1, 50), ("2\n", 51, 1, 1, 50)],
)  # fmt: skip
def test_the_page_asked_for(asked: str, total: int, number: int, first: int, last: int) -> None:
    page = page_of(asked, total)
    assert (page.number, page.first, page.last) == (number, first, last)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, (1, 2, 3, None, 20)), (5, (1, None, 3, 4, 5, 6, 7, None, 20)), (20, (1, None, 18, 19, 20))],
)
def test_pages_that_are_linked(number: int, expected: tuple[int | None, ...]) -> None:
    assert page_of(str(number), 1000).numbers == expected


@given(st.text(max_size=12), st.integers(0, 10**7))
def test_every_page_lies_within_the_list(asked: str, total: int) -> None:
    page = page_of(asked, total)
    assert 1 <= page.number <= page.pages
    assert page.offset <= max(0, total - 1) or total == 0
