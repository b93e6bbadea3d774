"""Tables for spreadsheet programs: CSV in which no cell is a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

# What makes Excel, LibreOffice and Google Sheets compute a cell (OWASP, "CSV Injection").
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | Decimal | datetime | None


class _Line:
    """Where the writer of the standard library puts a line."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Lines of a CSV file, one by one; moments in UTC as ISO 8601."""
    writer = csv.writer(_Line())
    yield str(writer.writerow(header))
    for row in rows:
        yield str(writer.writerow([_text(cell) for cell in row]))


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, int | float | Decimal):  # a number with a minus is no formula
        return str(cell)
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
