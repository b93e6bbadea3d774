from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.reference import (
    InvalidReference,
    Reference,
    parse_digest,
    parse_reference,
    parse_repository,
    parse_tag,
)

SHA256 = "sha256:" + "0a" * 32
SHA512 = "sha512:" + "0a" * 64

GOOD = [
    ("registry.example/shop:1.4", "registry.example/shop:1.4"),
    ("registry.example/team/shop", "registry.example/team/shop:latest"),
    ("localhost:5000/a", "localhost:5000/a:latest"),
    ("[::1]:5000/a:b", "[::1]:5000/a:b"),
    (f"r.example/a@{SHA256}", f"r.example/a@{SHA256}"),
    (f"r.example/a:b@{SHA512}", f"r.example/a:b@{SHA512}"),
    ("r.example/a__b--c.d/e_f:_T.0-", "r.example/a__b--c.d/e_f:_T.0-"),
]
BAD = [
    *(
        "",
        "shop",
        "/shop",
        "r.example/",
        "r.example/Shop",
        "r.example/a//b",
        "r.example/a/",
        "r.example/a:",
        "r.example/a@",
    ),
    *("r.example/a:b:c", "r.example/a___b", "r.example/-a", "r.example/a:-b", "r.example/a\n", "r.example/a:b\n"),
    *("r example/a", "https://r.example/a", "user@r.example/a", "r.example:port/a", "-r.example/a", "r.example/é"),
    *("r.example/a@md5:" + "0" * 32, f"r.example/a@{SHA256.upper()}", f"r.example/a@{SHA256}0", "r.example/../a"),
    *("r.example/" + "a" * 256, "r.example/a:" + "b" * 129, "r.example/a:１"),
]


@pytest.mark.parametrize(("text", "whole"), GOOD)
def test_references(text: str, whole: str) -> None:
    assert str(parse_reference(text)) == whole


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_reference(text)


@pytest.mark.parametrize("text", ["sha256:" + "0" * 63, "sha512:" + "0" * 64, SHA256 + "\n", "sha256:../../x", ""])
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_digest(text)
    assert (caught.value.kind, caught.value.text) == ("digest", text)


component = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+){0,2}", fullmatch=True)
repositories = st.lists(component, min_size=1, max_size=3).map("/".join).filter(lambda text: len(text) < 256)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True).filter(str.isascii)


@given(
    st.sampled_from(["r.example", "localhost:5000", "[::1]:80"]), repositories, tags, st.sampled_from([None, SHA256])
)
def test_a_reference_survives_its_text(registry: str, repository: str, tag: str, digest: str | None) -> None:
    whole = Reference(registry, parse_repository(repository), parse_tag(tag), parse_digest(digest) if digest else None)
    assert parse_reference(str(whole)) == whole


@given(st.text(max_size=40))
def test_no_text_causes_another_error(text: str) -> None:
    try:
        found = str(parse_reference(text))
    except InvalidReference as problem:
        found = problem.text
    assert isinstance(found, str)
