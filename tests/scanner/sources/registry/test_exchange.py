"""Small readings of headers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanner.sources.registry.exchange import retry_after

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 90.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("1000000000", 1e9),
        (None, None),
        ("", None),
        ("-1", None),
        ("1e9", None),
        ("soon", None),
        ("٣", None),
        ("9" * 400, None),
        ("Sat, 99 Nov 2026 12:00:00 GMT", None),
        (f"Sat, 21 Nov {'9' * 20} 12:00:00 GMT", None),
        ("Sat, 21 Nov 2026 12:00:00 +9999999999", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds
