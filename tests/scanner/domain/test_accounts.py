from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.accounts import (
    GROUP_LINE_BYTES,
    PASSWD_LINE_BYTES,
    decode,
    encode,
    first_group_named,
    first_group_with_gid,
    first_user_named,
    first_user_with_uid,
    group_entries,
    groups_of,
    long_line,
    passwd_entries,
    trim_space,
)

# line, name, uid, gid, home
LINES = [
    (b"app:x:1000:1001:App:/home/app:/bin/sh", "app", 1000, 1001, "/home/app"),
    (b"app", "app", 0, 0, ""),
    (b"app:x:1000", "app", 1000, 0, ""),
    (b"app:x: 1000: 1000::/a:/b", "app", 0, 0, "/a"),
    (b" \tapp:x:1:2::/a:/b \r", "app", 1, 2, "/a"),
    (b"app :x:1:2::/a:/b", "app ", 1, 2, "/a"),
    (b"# users", "# users", 0, 0, ""),
    (b"+::::::", "+", 0, 0, ""),
    (b"app:x:4294967296:-1::/a:/b", "app", 4294967296, -1, "/a"),
    (b"app:x:99999999999999999999:1::/a:/b", "app", 2**63 - 1, 1, "/a"),
    (b"app:x:1:2:c:/a:/b:more:fields", "app", 1, 2, "/a"),
    (b"\xef\xbb\xbfroot:x:0:0::/:/b", "\ufeffroot", 0, 0, "/"),
    (b"\xff:x:7:7::/\xfe:/b", "\udcff", 7, 7, "/\udcfe"),
    (b"\xc2\xa0app:x:5:6::/a:/b\xe3\x80\x80", "app", 5, 6, "/a"),
]


@pytest.mark.parametrize(("line", "name", "uid", "gid", "home"), LINES)
def test_a_passwd_line(line: bytes, name: str, uid: int, gid: int, home: str) -> None:
    (entry,) = passwd_entries(line)
    assert (entry.name, entry.uid, entry.gid, entry.home, entry.line) == (name, uid, gid, home, 1)


def test_blank_lines_count_as_lines_but_not_as_entries() -> None:
    assert [(entry.name, entry.line) for entry in passwd_entries(b"\n \na\n\r\nb")] == [("a", 3), ("b", 5)]


def test_comments_are_skipped_in_group_files_only() -> None:
    data = b"  #x:x:1:a\ng:x:2:a\n"
    assert [entry.name for entry in group_entries(data)] == ["g"]
    assert [entry.name for entry in passwd_entries(data)] == ["#x", "g"]


@pytest.mark.parametrize(
    ("field", "members"),
    [(b"", ()), (b"a", ("a",)), (b"a,b", ("a", "b")), (b" a,b ,", (" a", "b ", "")), (b"a:b,c", ("a",))],
)
def test_members_are_not_trimmed(field: bytes, members: tuple[str, ...]) -> None:
    (entry,) = group_entries(b"g:x:1:" + field + (b"" if b":" in field else b":"))
    assert entry.members == members


def test_the_first_match_wins() -> None:
    data = b"a:x:1:1::/one:\na:x:2:2::/two:\nb:x:1:3::/three:\n"
    named, numbered = first_user_named(data, "a"), first_user_with_uid(data, 1)
    assert named is not None
    assert named == numbered
    assert named.home == "/one"


def test_uid_0_is_also_what_an_odd_field_means() -> None:
    found = first_user_with_uid(b"x:x:1:1:::\n# users\nroot:x:0:0:::\n", 0)
    assert found is not None
    assert found.name == "# users"


def test_ids_are_compared_before_they_are_cut() -> None:
    assert first_user_with_uid(b"a:x:4294967297:1:::\n", 1) is None
    assert first_group_with_gid(b"g:x:-1:\n", 2**32 - 1) is None


def test_groups_keep_duplicates_and_order() -> None:
    data = b"a:x:10:app\nb:x:10:web,app\nc:x:5:apps\nd:x:1:app\n"
    assert [entry.gid for entry in groups_of(data, "app")] == [10, 10, 1]


@pytest.mark.parametrize("limit", [PASSWD_LINE_BYTES, GROUP_LINE_BYTES])
@pytest.mark.parametrize(
    ("before", "after"), [(b"", b""), (b"a\n", b""), (b"\n\n", b"\nb"), (b"a" * 70 + b"\n", b"\n")]
)
def test_a_line_of_the_limit_is_too_long_and_one_byte_less_is_not(limit: int, before: bytes, after: bytes) -> None:
    assert long_line(before + b"x" * limit + after, limit)
    assert not long_line(before + b"x" * (limit - 1) + after, limit)


@given(st.lists(st.integers(0, 12), max_size=12), st.booleans())
def test_long_line_equals_looking_at_every_line(lengths: list[int], newline: bool) -> None:
    data = b"\n".join(b"x" * length for length in lengths) + (b"\n" if newline else b"")
    assert long_line(data, 8) == any(len(line) >= 8 for line in data.split(b"\n"))


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parsers_fail(data: bytes) -> None:
    for entry in passwd_entries(data):
        assert encode(entry.name) == decode(encode(entry.name)).encode("utf-8", "surrogateescape")
        assert isinstance(entry.uid, int)
    assert all(isinstance(entry.gid, int) for entry in group_entries(data))


@given(st.lists(st.sampled_from(["a", " ", "\t", "\u00a0", "\u2003", "\u3000", "\u0085"]), max_size=12))
def test_trimming_valid_text_equals_stripping_unicode_space(parts: list[str]) -> None:
    text = "".join(parts)
    assert trim_space(text.encode()) == text.strip().encode()


@given(st.text())
def test_encode_never_fails(text: str) -> None:
    assert isinstance(encode(text), bytes)


@given(st.binary(max_size=80) | st.lists(st.sampled_from([b"a", b":", b"0", b"7", b"\n", b"#", b" "])).map(b"".join))
def test_look_ups_find_what_reading_every_line_finds(data: bytes) -> None:
    for name in ("a", "0", "7", ""):
        assert first_user_named(data, name) == next((e for e in passwd_entries(data) if e.name == name), None)
        assert list(groups_of(data, name)) == [entry for entry in group_entries(data) if name in entry.members]
    for number in (0, 7, 70):
        assert first_user_with_uid(data, number) == next((e for e in passwd_entries(data) if e.uid == number), None)
        assert first_group_with_gid(data, number) == next((e for e in group_entries(data) if e.gid == number), None)


@pytest.mark.parametrize(
    "data", [b"u:x:7:7::\n" * 2**20, b"\n" * 2**23, b"xapp:7:::\n" * 2**20], ids=["users", "blank", "near"]
)
def test_the_largest_file_takes_seconds(data: bytes) -> None:
    before = time.thread_time()
    assert first_user_named(data, "app") is None
    assert (first_user_with_uid(data, 0) is None) == (b"xapp" not in data)
    assert time.thread_time() - before < 20


@pytest.mark.parametrize("name", ["\n", "\n\n", "\na", "a\n", "a\nb", "\r\n"])
def test_a_name_with_a_line_feed_is_in_no_line_and_is_looked_for_once(name: str) -> None:
    data = b"root:x:0:0::/:\na\n\n:x:0:0\r\n\na\nb\n"
    assert first_user_named(data, name) is None
    assert first_group_named(data, name) is None
