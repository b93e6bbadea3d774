from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.go_json import Document, JsonBounds, Number, Pairs, Reader, fold, read_json
from scanner.domain.problems import ImageProblem, LimitExceeded

DOCUMENT = Document("test document", "bad-test", "config_bytes")
BOUNDS = JsonBounds(size=10_000, depth=8, values=100)


def parsed(body: bytes, bounds: JsonBounds = BOUNDS) -> object:
    return read_json(body, bounds, DOCUMENT)


REFUSED = [
    *(b"", b" ", b"x", b"{} x", b"{}{}", b"{}\x00", b"[1,]", b'{"a":1,}', b"{'a':1}", b"{a:1}", b"01", b"1.", b"+1"),
    *(b"NaN", b"Infinity", b"-Infinity", b'{"a":NaN}', b'"\t"', b'"\n"', b'"\\x"', b'"\\u12"', b'"a', b"[", b"{"),
    *(b"\xef\xbb\xbf{}", b"\xff", b"{}\xc2\xa0", b"tru", b"nul", b"[1 2]", b'{"a" 1}'),
]


@pytest.mark.parametrize("body", REFUSED)
def test_what_go_refuses_is_refused(body: bytes) -> None:
    with pytest.raises(ImageProblem) as caught:
        parsed(body)
    assert caught.value.code == "bad-test"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'"a\xffb"', "a\ufffdb"),
        (b'"\xe2\x82"', "\ufffd\ufffd"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
        (b'"\\u0000"', "\x00"),
        (b' "\\ud83d\\ude00" \r\n\t', "😀"),
    ],
)
def test_strings_are_go_strings(body: bytes, text: str) -> None:
    assert parsed(body) == text


def test_numbers_stay_as_written() -> None:
    assert parsed(b"[1e999, 1.50, -0]") == [Number("1e999"), Number("1.50"), Number("-0")]
    assert parsed(b"9" * 9_000) == Number("9" * 9_000)


def test_objects_keep_every_pair() -> None:
    assert parsed(b'{"a":1,"a":2}') == Pairs((("a", Number("1")), ("a", Number("2"))))


LIMITS = [
    (b" " * 10_001, "limit-config-bytes"),
    (b"[" * 9 + b"]" * 9, "limit-json-depth"),
    (b"[" * 5_000, "limit-json-depth"),
    (b'{"a":' * 1_500, "limit-json-depth"),
    (b'["\\"[[[[[[[[[",' + b"[" * 8 + b"]" * 9, "limit-json-depth"),
    (b"[" + b"1," * 200 + b"1]", "limit-json-values"),
]


@pytest.mark.parametrize(("body", "code"), LIMITS)
def test_limits_are_named(body: bytes, code: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        parsed(body)
    assert caught.value.code == code


def test_brackets_in_strings_are_no_depth() -> None:
    assert parsed(b'["' + b"[{" * 50 + b'\\"[["]') == ["[{" * 50 + '"[[']
    assert parsed(b"[" + b"[]," * 20 + b"[]]") == [[]] * 21


json_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=15,
)


def plain(value: object) -> object:
    if isinstance(value, Pairs):
        return {key: plain(item) for key, item in value}
    return [plain(item) for item in value] if isinstance(value, list) else value


@given(json_values)
def test_ordinary_json_reads_as_ever(value: object) -> None:
    assert plain(parsed(json.dumps(value).encode(), JsonBounds(10_000, 64, 1_000))) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0dN1-. \t', max_size=60).map(str.encode))
def test_no_bytes_cause_another_error(body: bytes) -> None:
    try:
        parsed(body)
    except ImageProblem as problem:
        code = problem.code
    else:
        code = "bad-test"
    assert code in ("bad-test", "limit-json-depth", "limit-json-values")


@pytest.mark.parametrize(
    ("key", "folded"),
    [
        ("User", "user"),
        ("USER", "user"),
        ("u\u017fer", "user"),
        ("\u212aey", "key"),
        ("usér", "usér"),
        ("us er", "us er"),
    ],
)
def test_keys_fold_as_in_go(key: str, folded: str) -> None:
    assert fold(key) == folded


def test_ambiguities_are_named_once_each_with_a_pointer() -> None:
    reader = Reader(DOCUMENT)
    body = b'{"a/b":"1","A/B":"2","a/b":"3","c":"x","c":"y","D":1,"e":1,"z":1,"z":2}'
    fields = reader.fields(parsed(body), "", ("a/b", "c", "d", "e"))
    assert fields["a/b"].text() == "3"
    found = [(note.code, note.where) for note in reader.ambiguities]
    assert found == [
        ("folding-key", "/a~1b"),
        ("duplicate-key", "/a~1b"),
        ("duplicate-key", "/c"),
        ("folding-key", "/d"),
    ]


def test_a_map_keeps_case_and_takes_the_last() -> None:
    reader = Reader(DOCUMENT)
    fields = reader.fields(parsed(b'{"m":{"a":"1","A":"2","a":null}}'), "", ("m",))
    assert fields["m"].text_mapping() == {"a": "", "A": "2"}
    assert [(note.code, note.where, note.decides) for note in reader.ambiguities] == [("duplicate-key", "/m/a", False)]


def test_a_hundred_thousand_duplicates_are_no_burden() -> None:
    reader = Reader(DOCUMENT)
    body = b"{" + b'"a":[null],' * 100_000 + b'"a":["x"]}'
    fields = reader.fields(parsed(body, JsonBounds(2_000_000, 8, 200_000)), "", ("a",))
    assert fields["a"].texts() == ("x",)
    assert len(reader.ambiguities) == 1


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (b'"a":["1","2"],"a":["3"]', ("3",)),
        (b'"a":["1","2"],"a":[null]', ("1",)),
        (b'"a":["1","2"],"a":["3"],"a":[null,null]', ("3", "2")),
        (b'"a":["1"],"a":[],"a":[null]', ("",)),
        (b'"a":["1"],"a":null', None),
        (b'"a":null,"a":["1"]', ("1",)),
    ],
)
def test_a_second_array_is_decoded_into_the_first(values: bytes, texts: tuple[str, ...] | None) -> None:
    fields = Reader(DOCUMENT).fields(parsed(b"{" + values + b"}"), "", ("a",))
    assert fields["a"].texts() == texts


@pytest.mark.parametrize(
    "lost", [b'"a":[1],"a":[]', b'"a":["x",{}],"a":["y"]', b'"a":[true],"a":null', b'"a":1,"a":[]']
)
def test_a_wrong_type_counts_even_where_a_later_value_covers_it(lost: bytes) -> None:
    fields = Reader(DOCUMENT).fields(parsed(b"{" + lost + b"}"), "", ("a",))
    with pytest.raises(ImageProblem):
        fields["a"].texts()


def test_a_string_without_end_is_looked_at_once() -> None:
    # Begun anew at each escaped quote, this took hours, and nothing interrupts a regular expression.
    body = b'["' + b'\\"' * 2_000_000 + b"[" * 65
    started = time.thread_time()
    with pytest.raises(ImageProblem):
        parsed(body, JsonBounds(5_000_000, 64, 100))
    assert time.thread_time() - started < 5
