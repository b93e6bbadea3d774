"""The path of a QR code covers exactly its dark squares."""

from __future__ import annotations

import re

import pytest
import qrcode

from compliance.qr_code import qr_code


@pytest.mark.parametrize(
    "text", ["", "a", "otpauth://totp/sam%40localhost?secret=JBSWY3DPEHPK3PXP&issuer=Plimsoll", "x" * 900]
)
def test_its_squares(text: str) -> None:
    made = qrcode.QRCode()
    made.add_data(text)
    matrix = made.get_matrix()
    found = qr_code(text)
    drawn = [[False] * found.size for _ in range(found.size)]
    steps = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", found.path)
    for x, y, width, back in steps:
        assert width == back
        for at in range(int(width)):
            drawn[int(y)][int(x) + at] = True
    assert drawn == matrix
    assert not any(any(row) for row in matrix[:4]), "four squares of quiet zone"
