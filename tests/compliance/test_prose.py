"""The little Markdown of rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.prose import BlockKind, Span, parse_prose, spans
from scanner.domain.printable import quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [("text", "plain")]),
        ("a `b` c", [("text", "a "), ("code", "b"), ("text", " c")]),
        ("`` a`b ``", [("code", "a`b")]),
        ("**bold** `x`", [("bold", "bold"), ("text", " "), ("code", "x")]),
        ("never `closed", [("text", "never `closed")]),
        ("<b>&amp;</b>", [("text", "<b>&amp;</b>")]),
        ("", []),
    ],
)
def test_one_line(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(span.kind, span.text) for span in spans(text)] == expected


def test_blocks() -> None:
    found = parse_prose("One\nline.\n\n- a\n- b\n  more\n\n```dockerfile\nUSER 1\n\n- x\n```\nend")
    assert [block.kind for block in found] == [BlockKind.TEXT, BlockKind.LIST, BlockKind.CODE, BlockKind.TEXT]
    assert found[0].items == ((Span("text", "One line."),),)
    assert [item[0].text for item in found[1].items] == ["a", "b more"]
    assert (found[2].code, found[2].language) == ("USER 1\n\n- x", "dockerfile")


def test_a_fence_that_is_never_closed_runs_to_the_end() -> None:
    assert parse_prose("```\na\nb")[0].code == "a\nb"


@given(st.text())
def test_any_text_ends_and_loses_no_word(text: str) -> None:
    shown = "".join(
        block.code + "".join(span.text for item in block.items for span in item) for block in parse_prose(text)
    )
    assert {c for c in shown if c.isalnum()} <= set(text)


@given(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=50))
def test_a_name_from_an_image_stays_code(name: str) -> None:
    found = spans(f"USER {quoted(name)} is root")
    assert [span.kind for span in found] == ["text", "code", "text"]
