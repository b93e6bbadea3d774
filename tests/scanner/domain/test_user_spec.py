from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.user_spec import (
    NotANumber,
    OutOfRange,
    UserSpec,
    go_quote,
    go_text,
    lenient_id,
    parse_int64,
    parse_uint32,
    split_user,
    to_uint32,
)

NUMBERS = {
    b"0": 0,
    b"-0": 0,
    b"+0": 0,
    b"00": 0,
    b"01000": 1000,
    b"+1000": 1000,
    b"-1": -1,
    b"9223372036854775807": 2**63 - 1,
    b"-9223372036854775808": -(2**63),
    b"0" * 5000 + b"7": 7,
}
NAMES = [
    *(b"", b"+", b"-", b"+-1", b" 1", b"1 ", b"1\n", b"1_000", b"0x3e8", b"1e3", b"app", b"\x00", b"1\x00"),
    *("１０００".encode(), "١٢".encode(), "१".encode(), b"\xa01", b"9223372036854775808x"),
]
SATURATED = {
    b"9223372036854775808": 2**63 - 1,
    b"-9223372036854775809": -(2**63),
    b"99999999999999999999": 2**63 - 1,
    b"-99999999999999999999": -(2**63),
    b"9" * 10_000: 2**63 - 1,
    # Go stops at the digit that overflows 64 bits and never sees what follows.
    b"99999999999999999999x": 2**63 - 1,
    b"18446744073709551616 ": 2**63 - 1,
}


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_numbers(text: bytes, number: int) -> None:
    assert parse_int64(text) == number


@pytest.mark.parametrize("text", NAMES)
def test_names(text: bytes) -> None:
    with pytest.raises(NotANumber):
        parse_int64(text)
    assert lenient_id(text) == 0


@pytest.mark.parametrize(("text", "saturated"), SATURATED.items())
def test_out_of_range(text: bytes, saturated: int) -> None:
    with pytest.raises(OutOfRange) as caught:
        parse_int64(text)
    assert caught.value.saturated == saturated == lenient_id(text)


@given(st.from_regex(rb"[+-]?[0-9]{1,19}", fullmatch=True))
def test_every_short_string_of_ascii_digits_is_a_number_or_out_of_range(text: bytes) -> None:
    assert lenient_id(text) == max(-(2**63), min(2**63 - 1, int(text)))


@given(st.binary(max_size=18))
def test_the_grammar_is_sign_and_ascii_digits(text: bytes) -> None:
    is_number = re.fullmatch(rb"[+-]?[0-9]+", text) is not None
    try:
        parse_int64(text)
    except NotANumber:
        assert not is_number
    else:
        assert is_number


@pytest.mark.parametrize(("number", "cut"), [(2**32, 0), (-1, 2**32 - 1), (2**63 - 1, 2**32 - 1), (-(2**63), 0)])
def test_cut_to_32_bits(number: int, cut: int) -> None:
    assert to_uint32(number) == cut


@pytest.mark.parametrize(
    ("text", "user", "group"),
    [("", "", ""), (":", "", ""), ("a:", "a", ""), (":b", "", "b"), ("a:b:c", "a", "b"), ("a", "a", "")],
)
def test_split(text: str, user: str, group: str) -> None:
    assert split_user(text) == UserSpec(user, group)


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert go_text("a\ud800b😀") == "a\ufffdb😀"


def test_quotes_as_go_does() -> None:
    assert go_quote('a"\\\n\x00\u200b\U000e0001é') == r'"a\"\\\n\x00\u200b\U000e0001é"'


@pytest.mark.parametrize(
    ("text", "number"),
    [(b"0", 0), (b"007", 7), (b"4294967295", 2**32 - 1), (b"0" * 5_000 + b"1", 1)],
)
def test_uint32(text: bytes, number: int) -> None:
    assert parse_uint32(text) == number


@pytest.mark.parametrize(
    "text", [b"", b"+1", b"-0", b"4294967296", b"9" * 5_000, b"1 ", b" 1", b"1\n", b"0x1", b"1_0", "１".encode()]
)
def test_no_uint32(text: bytes) -> None:
    with pytest.raises(NotANumber):
        parse_uint32(text)
