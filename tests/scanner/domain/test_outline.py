from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.outline import Answer, Outline, UnreadableOutline, dump_outline, load_outline
from scanner.domain.verdict import Outcome, Severity, Verdict

ANSWERS = st.builds(Answer, st.sampled_from(Outcome), st.none() | st.sampled_from(Severity), st.none() | st.integers())
OUTLINES = st.builds(Outline, st.integers(0, 9), st.dictionaries(st.text(max_size=5), ANSWERS)) | st.builds(
    lambda revision, verdict: Outline(revision, settled=verdict), st.integers(0, 9), st.sampled_from(Verdict)
)


@given(OUTLINES)
def test_what_is_written_is_read(outline: Outline) -> None:
    assert load_outline(dump_outline(outline)) == outline


def test_the_order_of_the_rules_makes_no_other_text() -> None:
    ok, violated = Answer(Outcome.OK), Answer(Outcome.VIOLATED, Severity.HIGH)
    assert dump_outline(Outline(1, {"A": ok, "B": violated})) == dump_outline(Outline(1, {"B": violated, "A": ok}))


def test_it_is_compact() -> None:
    outline = Outline(2, {"NR101": Answer(Outcome.OK), "NR107": Answer(Outcome.OK, below=1001)})
    text = '{"answers":{"NR101":"ok","NR107":["ok",null,1001]},"revision":2,"schema":1}'
    assert dump_outline(outline) == text


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"schema": 2, "revision": 1, "answers": {}},
        {"schema": 1, "answers": {}},
        {"schema": 1, "revision": 1},
        {"schema": 1, "revision": 1, "answers": {"NR101": "fine"}},
        {"schema": 1, "revision": 1, "answers": {"NR101": ["ok", "severe", None]}},
        {"schema": 1, "revision": 1, "answers": {"NR101": ["ok", None, "1"]}},
        {"schema": 1, "revision": 1, "answers": []},
        {"schema": 1, "revision": 1, "settled": "good"},
    ],
)
def test_what_nobody_wrote_is_refused(document: object) -> None:
    with pytest.raises(UnreadableOutline):
        load_outline(json.dumps(document))


def test_damage_is_refused() -> None:
    with pytest.raises(UnreadableOutline):
        load_outline('{"schema":1,')
