from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.printable import printable, quoted, safe_evidence

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=50)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("app", "app"),
        ("größe 名前", "größe 名前"),
        ("a\x00b", r"a\x00b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("one\ntwo", r"one\ntwo"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\ud800"),
        ("safe\u202egnp.exe", r"safe\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\x9b", r"\x9b"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(ANY_TEXT)
def test_always_printable_and_encodable(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert shown.encode("utf-8").decode("utf-8") == shown


@given(ANY_TEXT)
def test_twice_is_once(text: str) -> None:
    assert printable(printable(text)) == printable(text)


def test_keeps_lines_we_wrote() -> None:
    assert printable("one\ntwo\x00", keep_lines=True) == "one\ntwo\\x00"


def test_cuts_long_text() -> None:
    assert printable("x" * 300, longest=10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("app", "`app`"),
        ("", '`""`'),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        (" app", "`  app `"),
        ("a\n```", "```` a\\n``` ````"),
    ],
)
def test_inline_code_cannot_be_closed_from_within(text: str, markdown: str) -> None:
    assert quoted(text) == markdown


def test_evidence_keeps_numbers() -> None:
    assert [safe_evidence(value) for value in (3, None, "a\x00")] == [3, None, "a\\x00"]
