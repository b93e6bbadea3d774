"""How the header that carries a token is read, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.policy.bearer import digest_of, names_bearer, prefix_of, secret_in, spelled

SECRET = spelled(prefix_of("ab12cd"), "x" * 43)
CASES = {
    f"Bearer {SECRET}": SECRET,
    f"bearer {SECRET}": SECRET,
    f"BEARER   {SECRET}": SECRET,
    "": "",
    "Bearer": "",
    "Bearer ": "",
    SECRET: "",
    f"Bearer{SECRET}": "",
    f" Bearer {SECRET}": "",
    f"Bearer {SECRET} ": "",
    f"Bearer {SECRET}\n": "",
    f"Bearer\t{SECRET}": "",
    f"Bearer\u00a0{SECRET}": "",
    f"Bearer {SECRET},Bearer {SECRET}": "",
    f"Bearer {SECRET}, Basic eA==": "",
    f"Basic eA==,Bearer {SECRET}": "",
    f"Bearer Bearer {SECRET}": "",
    f"Bearer {SECRET}x": "",
    f"Bearer {SECRET[:-1]}": "",
    f"Bearer {SECRET[:-1]}é": "",
    f"Bearer {SECRET[:-1]}\u0660": "",
    f"Bearer {SECRET[:-1]}\0": "",
    f"Bearer {SECRET[:-1]}=": "",
    f"Bearer {SECRET.upper()}": "",
    f"Bearer plim_AB12CD_{'x' * 43}": "",
    f"Bearer {SECRET}{'x' * 100_000}": "",
    "Bearer " + " " * 100_000: "",
    f"Token {SECRET}": "",
    "Basic c2FtOnNlY3JldA==": "",
}


@pytest.mark.parametrize(("header", "secret"), CASES.items(), ids=range(len(CASES)))
def test_only_one_whole_secret_after_its_scheme_counts(header: str, secret: str) -> None:
    assert secret_in(header) == secret


@pytest.mark.parametrize(
    ("header", "is_meant"),
    [("Bearer x", True), ("bearer", True), (f"Bearer{SECRET}", True), ("Basic x", False), ("", False), ("Bear", False)],
)
def test_what_is_meant_to_be_a_token_is_never_taken_for_a_session(header: str, is_meant: bool) -> None:
    assert names_bearer(header) is is_meant


@given(st.text(max_size=80))
def test_anything_else_is_no_secret(text: str) -> None:
    assert secret_in(f"Bearer {text}") in ("", text.lstrip(" "))
    assert secret_in(text) == "" or names_bearer(text)


def test_a_secret_is_kept_as_sha_256() -> None:
    assert digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
