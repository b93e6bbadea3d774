from __future__ import annotations

import posixpath
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import ImageProblem
from scanner.filesystem.paths import clean, shown

CLEANED = [
    (b"etc/passwd", b"etc/passwd"),
    (b"./etc/passwd", b"etc/passwd"),
    (b"/etc/passwd", b"etc/passwd"),
    (b"//etc//passwd", b"etc/passwd"),
    (b"./etc//passwd", b"etc/passwd"),
    (b"etc/./passwd", b"etc/passwd"),
    (b"etc/../etc/passwd", b"etc/passwd"),
    (b"/../etc/passwd", b"etc/passwd"),
    (b"etc/passwd/", b"etc/passwd"),
    (b"etc/passwd/.", b"etc/passwd"),
    (b"ETC/passwd", b"ETC/passwd"),
    (b"etc\\passwd", b"etc\\passwd"),
    (b"etc/passwd\n", b"etc/passwd\n"),
    (b"e\xcc\x81tc", b"e\xcc\x81tc"),
    (b"\xff", b"\xff"),
    (b"..a/b..", b"..a/b.."),
    (b".hidden/.x", b".hidden/.x"),
    (b".", b""),
    (b"./", b""),
    (b"/", b""),
    (b"", b""),
    (b"a/..", b""),
]
REFUSED = [
    (b"../etc/passwd", "unsafe-path"),
    (b"a/../../etc/passwd", "unsafe-path"),
    (b"..", "unsafe-path"),
    (b"etc/passwd\0zzz", "unsafe-path"),
    (b"n" * 256, "name-too-long"),
    (b"a/" * 2048 + b"a", "limit-path-bytes"),
    (b"a/" * 256 + b"a", "limit-path-depth"),
]


@pytest.mark.parametrize(("name", "path"), CLEANED)
def test_names_are_cleaned_as_runtimes_clean_them(name: bytes, path: bytes) -> None:
    assert clean(name, DEFAULT_LIMITS) == path


@pytest.mark.parametrize(("name", "code"), REFUSED, ids=[f"{name[:20]!r}" for name, _ in REFUSED])
def test_names_nobody_can_unpack_are_refused(name: bytes, code: str) -> None:
    with pytest.raises(ImageProblem) as problem:
        clean(name, DEFAULT_LIMITS)
    assert problem.value.code == code


def test_the_longest_allowed_names_pass() -> None:
    assert clean(b"n" * 255, DEFAULT_LIMITS) == b"n" * 255
    assert clean(b"a/" * 255 + b"a", DEFAULT_LIMITS) == b"a/" * 255 + b"a"
    assert clean(b"abc", replace(DEFAULT_LIMITS, path_bytes=3)) == b"abc"


def test_paths_are_shown_without_losing_bytes() -> None:
    assert shown(b"caf\xc3\xa9/\xff") == "/café/\\xff"


@given(st.lists(st.sampled_from(["", ".", "..", "a", "b", "..."]), max_size=8).map("/".join))
def test_cleaning_is_that_of_posix(name: str) -> None:
    normal = posixpath.normpath(name).lstrip("/")
    if normal == ".." or normal.startswith("../"):
        with pytest.raises(ImageProblem):
            clean(name.encode(), DEFAULT_LIMITS)
    else:
        assert clean(name.encode(), DEFAULT_LIMITS).decode() == ("" if normal == "." else normal)
