"""A QR code as a value: a template turns it into SVG without a single inline style."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import qrcode


@dataclass(frozen=True, slots=True)
class QrCode:
    """Its dark squares as the path of an SVG; a square is one unit, ``size`` is the width with the quiet zone."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    """Encode a text (ISO/IEC 18004)."""
    made = qrcode.QRCode()
    made.add_data(text)
    rows = made.get_matrix()
    path = "".join(_line(y, row) for y, row in enumerate(rows))
    return QrCode(len(rows), path)


def _line(y: int, row: list[bool]) -> str:
    found, x = "", 0
    for is_dark, group in groupby(row):
        width = len(list(group))
        found += f"M{x} {y}h{width}v1h-{width}z" if is_dark else ""
        x += width
    return found
