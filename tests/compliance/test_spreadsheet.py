from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.spreadsheet import csv_lines


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("plain", "plain"),
        ('a "quote", a comma', '"a ""quote"", a comma"'),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (-1, "-1"),
        (None, ""),
        (datetime(2026, 3, 10, 12, tzinfo=UTC), "2026-03-10T12:00:00+00:00"),
    ],
)
def test_cells(cell: str | int | datetime | None, line: str) -> None:
    assert list(csv_lines(["Name"], [[cell, "x"]])) == ["Name\r\n", f"{line},x\r\n"]


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=2, max_size=4))
def test_whatever_is_in_a_cell_no_cell_is_a_formula(cells: list[str]) -> None:
    (read,) = csv.reader(StringIO("".join(list(csv_lines([], [cells]))[1:]), newline=""))
    assert [cell.removeprefix("'") for cell in read] == [cell.removeprefix("'") for cell in cells]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in read)
