"""The config as it is: laid out, escaped where it cannot be seen, cut where it is long."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.queries.config_text import LONGEST, ConfigText, config_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab \\"{}[],:é\n'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def shown(document: bytes) -> ConfigText:
    """Through the column and back."""
    found = config_text(zlib.compress(document))
    assert found is not None
    return found


def test_none_was_kept() -> None:
    assert config_text(None) is None


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b'{"a":[1,{}],"b":[]}', '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}'),
        (b'{"User":"0","User":"1"}', '{\n  "User": "0",\n  "User": "1"\n}'),
        (b'{"a": 1e400 , "b":-0}', '{\n  "a": 1e400,\n  "b": -0\n}'),
        (b'{"a":"{,]\\"}:"}', '{\n  "a": "{,]\\"}:"\n}'),
        ('{"a":"\u202e"}'.encode(), '{\n  "a": "\\u202e"\n}'),
        (b'{"a":"\xff"}', '{\n  "a": "\ufffd"\n}'),
        (b"}}}", "\n}\n}\n}"),
    ],
)
def test_no_token_is_changed(document: bytes, text: str) -> None:
    assert shown(document).text == text


@given(JSON)
def test_it_is_laid_out_as_everybody_does(value: object) -> None:
    document = json.dumps({"it": value})
    assert shown(document.encode()).text == json.dumps({"it": value}, indent=2)


@pytest.mark.parametrize(
    "document",
    [b'{"a":"' + b"x" * 300_000 + b'"}', b'{"a":[' + b"0," * 131_000 + b"0]}", b"[" * 262_144, b'{"a":"unfinished'],
)
def test_what_is_long_is_cut_and_said_so(document: bytes) -> None:
    found = shown(document)
    assert found.is_cut
    assert len(found.text) <= LONGEST


def test_what_is_whole_is_not_called_cut() -> None:
    assert not shown(b'{"a": 1}\n').is_cut
