"""The chain by itself: what any change of it is called."""

from __future__ import annotations

import hmac
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.policy.audit_chain import (
    Fault,
    Seal,
    SealedRow,
    Walk,
    link_of,
    mac_of,
    parse_anchor,
    seal_rows,
)

SECRET, OTHER = b"s" * 32, b"o" * 32
KEYS = {"now": SECRET}


def chain(
    count: int, *, key: str = "now", secret: bytes = SECRET, after: list[SealedRow] | None = None
) -> list[SealedRow]:
    """Rows with ids from 101."""
    before = after or []
    contents = [f"row {n}".encode() for n in range(len(before), len(before) + count)]
    seals = seal_rows(before[-1].seal if before else None, contents, key, secret)
    return [
        *before,
        *(SealedRow(100 + seal.number, content, seal) for content, seal in zip(contents, seals, strict=True)),
    ]


def walked(
    rows: list[SealedRow], anchors: dict[int, bytes] | None = None, keys: dict[str, bytes] | None = None
) -> Fault | None:
    """What is wrong with them."""
    walk = Walk(keys or KEYS, anchors or {})
    return walk.step(rows) or walk.end()


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_a_chain_is_right_as_it_was_made(count: int) -> None:
    rows = chain(count)
    assert walked(rows) is None
    assert walked(chain(3, after=rows)) is None


def test_the_chain_of_one_release_is_that_of_the_next() -> None:
    """Stored chains are walked along by later releases: links and macs are made as SHA-256 and HMAC say, for ever."""
    one, two = (row.seal for row in chain(2))
    first = sha256(bytes(32) + bytes([0, 0, 0, 0, 0, 0, 0, 1]) + b"row 0").digest()
    second = sha256(first + bytes([0, 0, 0, 0, 0, 0, 0, 2]) + b"row 1").digest()
    assert (one.number, one.link, one.key) == (1, first, "now")
    assert (two.number, two.link, two.key) == (2, second, "now")
    assert one.mac == hmac.new(SECRET, first, sha256).digest()
    assert two.mac.hex() == "c6ec57c73bade4ebc1065ba4e3e428221b4798c8a369ccd5e252ba6b03ca9a75"


def test_each_tampering_has_its_word_and_its_row() -> None:
    rows = chain(6)
    forged = Seal(3, link_of(rows[1].seal.link, 3, b"forged"), mac_of(OTHER, b"x"), "now")
    cases = {
        "changed": [*rows[:2], replace(rows[2], content=b"other"), *rows[3:]],
        "missing": [*rows[:2], *rows[3:]],
        "reordered": [*rows[:2], replace(rows[3], seal=rows[2].seal), replace(rows[2], seal=rows[3].seal), *rows[4:]],
        "changed or inserted: its seal was not made with our key": [*rows[:2], SealedRow(103, b"forged", forged)],
        "sealed with a key that is not here": [
            *rows[:2],
            *(replace(row, seal=replace(row.seal, key="gone")) for row in rows[2:]),
        ],
    }
    for what, tampered in cases.items():
        fault = walked(tampered)
        assert fault is not None, what
        assert (fault.what, fault.number) == (what, 3)


def test_an_end_that_is_cut_off_is_seen_from_an_anchor() -> None:
    rows = chain(6)
    anchors = {number: rows[number - 1].seal.link for number in (3, 5, 6)}
    assert walked(rows[:4]) is None
    assert walked(rows, anchors) is None
    fault = walked(rows[:4], anchors)
    assert fault is not None
    assert (fault.number, fault.id) == (5, None)
    assert "once had 6 rows" in fault.what


def test_an_old_copy_that_went_on_is_seen_from_an_anchor() -> None:
    rows = chain(6)
    other = chain(3, after=rows[:3])
    other = [*rows[:3], *(replace(row, id=row.id + 500) for row in other[3:])]
    contents = [b"another %d" % n for n in range(3)]
    other[3:] = [
        SealedRow(700 + n, content, seal)
        for n, (content, seal) in enumerate(
            zip(contents, seal_rows(rows[2].seal, contents, "now", SECRET), strict=True)
        )
    ]
    assert walked(other) is None
    fault = walked(other, {5: rows[4].seal.link})
    assert fault is not None
    assert (fault.number, fault.id) == (5, 701)


def test_a_key_that_is_gone_is_vouched_for_by_the_one_after_it() -> None:
    old = chain(4, key="old", secret=OTHER)
    assert walked(old, keys={"old": OTHER}) is None
    both = chain(2, after=old)
    assert walked(both) is None
    both[1] = replace(both[1], content=b"changed under the old key")
    fault = walked(both)
    assert fault is not None
    assert fault.number == 2


def test_rows_forged_under_a_key_nobody_knows_are_named_by_the_first_of_them() -> None:
    rows = chain(6)
    content = b"forged"
    link = link_of(rows[2].seal.link, 4, content)
    forged = SealedRow(104, content, Seal(4, link, bytes(32), "unheard of"))
    next_link = link_of(link, 5, rows[4].content)
    rows[3:] = [forged, replace(rows[4], seal=Seal(5, next_link, bytes(32), "now"))]
    fault = walked(rows)
    assert fault is not None
    assert (fault.number, fault.id) == (4, 104)


@given(st.integers(0, 19), st.integers(0, 19), st.binary(max_size=8), st.sampled_from(["edit", "swap", "drop", "cut"]))
def test_nothing_goes_unnoticed(one: int, two: int, content: bytes, how: str) -> None:
    rows = chain(20)
    anchors = {20: rows[-1].seal.link}
    if how == "edit":
        rows[one] = replace(rows[one], content=content)
    elif how == "swap":
        rows[one], rows[two] = replace(rows[two], seal=rows[one].seal), replace(rows[one], seal=rows[two].seal)
    elif how == "drop":
        del rows[one]
    else:
        del rows[one:]
    fault = walked(rows, anchors)
    if how == "swap" and one == two:
        assert fault is None
    else:
        assert fault is not None
        assert fault.number == 1 + (min(one, two) if how == "swap" else one)


LINK = "0" * 64


@pytest.mark.parametrize(
    "text",
    ["", "1", "1:", ":00", f"x:{LINK}", "1:" + "g" * 64, f"{'1' * 19}:{LINK}", f"²:{LINK}", f"٣:{LINK}", "x" * 9_999],
)
def test_what_is_no_anchor(text: str) -> None:
    with pytest.raises(ValueError, match=r"anchor|hexadecimal") as caught:
        parse_anchor(text)
    assert len(str(caught.value)) < 150


def test_the_longest_anchor() -> None:
    assert parse_anchor(f"{'9' * 18}:{LINK}") == (10**18 - 1, bytes(32))


def test_an_anchor_can_be_read_again() -> None:
    rows = chain(3)
    walk = Walk(KEYS, {})
    assert walk.anchor == ""
    walk.step(rows)
    assert parse_anchor(f" {walk.anchor}\n") == (3, rows[-1].seal.link)
