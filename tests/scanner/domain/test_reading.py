from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.domain.identity import Identity, StartError
from scanner.domain.reading import Kind, accounts, half, read
from tests.support.facts import ROOT_LINE, facts


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("", Kind.EMPTY, None),
        ("0", Kind.NUMBER, 0),
        ("-0", Kind.NUMBER, 0),
        ("+01000", Kind.NUMBER, 1000),
        ("2147483647", Kind.NUMBER, 2147483647),
        ("2147483648", Kind.OUT_OF_RANGE, None),
        ("-1", Kind.OUT_OF_RANGE, None),
        ("9" * 5_000, Kind.OUT_OF_RANGE, None),
        (" 1000", Kind.NAME, None),
        ("1_000", Kind.NAME, None),
        ("１０００", Kind.NAME, None),
        ("app", Kind.NAME, None),
    ],
)
def test_halves(text: str, kind: Kind, number: int | None) -> None:
    found = half(text)
    assert (found.kind, found.number) == (kind, number)


def test_the_uid_does_not_depend_on_the_group_half() -> None:
    reading = read(facts("app:nosuch"))
    assert isinstance(reading.answer, StartError)
    assert isinstance(reading.alone, Identity)
    assert reading.uid == 1001


def test_a_uid_the_kernel_refuses_is_no_uid() -> None:
    reading = read(facts("app", "app:x:4294967295:5::/:\n"))
    assert reading.uid is None
    assert "cannot setuid" in reading.why_not


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_what_cannot_be_read_says_why(state: ReadState) -> None:
    reading = read(facts("app", "", passwd_state=state))
    assert reading.uid is None
    assert reading.passwd_problem
    assert "/etc/passwd" in reading.why_not


def test_why_not_is_safe_to_show() -> None:
    assert read(facts("a\x1b[31m\udcff")).why_not.isprintable()


def test_equal_facts_are_read_apart_and_alike() -> None:
    assert read(facts("app")) == read(facts("app"))
    assert read(facts("app")) != read(facts("0"))


def test_accounts_of_a_large_file_are_a_stream() -> None:
    lines = accounts(facts("app", ROOT_LINE + "a:x:1:1::/:\n" * 500_000).passwd)
    assert next(lines).name == "root"


def test_accounts_of_a_file_with_a_line_too_long() -> None:
    assert list(accounts(facts("app", ROOT_LINE + "x" * 70_000).passwd)) == []
