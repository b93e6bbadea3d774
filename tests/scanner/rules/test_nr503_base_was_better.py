from __future__ import annotations

from collections.abc import Sequence

import pytest

from scanner.rules.nr503_base_was_better import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts


@pytest.mark.parametrize(
    ("user", "history"),
    [
        ("root", ["USER 1001", "USER root"]),
        ("0", ["/bin/sh -c #(nop)  USER 1001:0", "/bin/sh -c #(nop)  USER 0"]),
        ("app", ["USER 65532 # buildkit", "COPY x /", "USER app"]),
        ("app:app", ["USER 1001", "USER root", "RUN x", "USER app:app"]),
        ("nosuch", ["USER 1001", "USER nosuch"]),
        ("", ["USER 1001"]),
        ("99999999999", ["USER 1001"]),
    ],
)
def test_violated(user: str, history: Sequence[str]) -> None:
    assert answer(RULE, facts(user, history=history)) == "violated"


@pytest.mark.parametrize(
    ("user", "history"),
    [
        ("1001", ["USER 1001", "USER root", "USER 1001"]),
        ("2000:0", ["USER 1001", "USER 2000:0"]),
        ("root", ["USER 0", "USER root"]),
        ("root", ["USER app", "USER root"]),
        ("app", ["USER 00", "USER app"]),
        ("app", ["USER 99999999999", "USER app"]),
        ("", ["RUN USER 1001"]),
        ("app", ["ENV USER 1001"]),
    ],
)
def test_ok(user: str, history: Sequence[str]) -> None:
    assert answer(RULE, facts(user, history=history)) == "ok"


def test_not_applicable_without_history() -> None:
    assert answer(RULE, facts("root")) == "not_applicable"


def test_shows_the_better_one_and_what_is_declared_now() -> None:
    image = facts("app", history=["FROM x", "USER 5", "USER 1001", "USER app"])
    assert evidence(RULE, image)["pointer"] == "/history/2"
    assert RULE.check(image, None).evidence[1]["declared"] == "app"


def test_fix_goes_back_to_the_number() -> None:
    assert "USER 65532:65532" in fix(RULE, facts("app", history=["USER 65532", "USER app"]))
    assert "USER 1001:0" in fix(RULE, facts("app", history=["USER 1001:0", "USER app"]))


def test_never_decides() -> None:
    assert not RULE.decides
