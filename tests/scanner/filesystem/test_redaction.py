from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.filesystem.redaction import without_hashes

CASES = [
    (b"root:$6$salt$hash:19000:0::\n", b"root:xxxxxxxxxxxx:19000:0::\n"),
    (b"root:!$6$salt$hash:19000\n", b"root:!xxxxxxxxxxxx:19000\n"),
    (b"app:ab01FAX.bQRSU:1:1::/:\n", b"app:xxxxxxxxxxxxx:1:1::/:\n"),
    (b"app:$y$j9T$a", b"app:xxxxxxxx"),
    (b"root:x:0:0::/:\n", b"root:x:0:0::/:\n"),
    (b"root::0:0::/:\n", b"root::0:0::/:\n"),
    (b"root:*:0:0::/:\n", b"root:*:0:0::/:\n"),
    (b"wheel:x:10:$6$notahash\n", b"wheel:x:10:$6$notahash\n"),
    (b"a\nb:$1$aaaaaaaa:1\r\n", b"a\nb:xxxxxxxxxxx:1\r\n"),
]


@pytest.mark.parametrize(("content", "kept"), CASES)
def test_only_hashes_are_overwritten(content: bytes, kept: bytes) -> None:
    assert without_hashes(content) == kept


@given(st.binary(max_size=300))
def test_nothing_moves(content: bytes) -> None:
    kept = without_hashes(content)
    assert len(kept) == len(content)
    assert [at for at, byte in enumerate(content) if byte in b":\n"] == [
        at for at, byte in enumerate(kept) if byte in b":\n"
    ]
