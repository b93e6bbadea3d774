from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr205_password_empty import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.demo.families import DEBIAN
from tests.support.facts import APP, facts

LOCKED = "root:*:1::::::\napp:!:1::::::\n"


@pytest.mark.parametrize(
    ("passwd", "shadow"),
    [
        ("root::0:0::/root:/bin/sh\n", None),
        ("root::0:0::/root:/bin/sh\n", LOCKED),
        ("root::0:0::/root:\n", None),
        ("root::0:0\n", None),
        (APP, "root:::0:::::\n"),
        (APP, "app::1::::::\n"),
        (APP, "app::"),
        ("a::5:5::/:/bin/sh\r\n", None),
    ],
)
def test_violated(passwd: str, shadow: str | None) -> None:
    assert answer(RULE, facts("9000", passwd, shadow=shadow)) == "violated"


@pytest.mark.parametrize(
    ("passwd", "shadow"),
    [
        (APP, None),
        (APP, LOCKED),
        (APP, "root:$6$xxxxxxxx:1::::::\n"),
        ("root:*:0:0::/root:/bin/sh\n", "root::1::::::\n"),
        ("app::5:5::/:/usr/sbin/nologin\n", None),
        ("app::5:5::/:/bin/false\n", None),
        ("sync::5:5::/:/bin/sync\n", None),
        (APP, LOCKED + "app::1::::::\n"),
        (APP, "ghost::1::::::\n"),
        ("#root::0:0::/:\n+::::::\n" + APP, "+::::::::\n"),
        ("", ""),
        (None, None),
        ("::0:0::/:\n", None),
    ],
)
def test_ok(passwd: str | None, shadow: str | None) -> None:
    assert answer(RULE, facts("9000", passwd, shadow=shadow)) == "ok"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_unknown(state: ReadState) -> None:
    assert answer(RULE, facts("9000", "", passwd_state=state)) == "unknown"
    image = facts("9000", APP, shadow="root:*:::\n")
    assert answer(RULE, replace(image, shadow=replace(image.shadow, state=state))) == "unknown"


def test_unknown_where_lines_are_too_many() -> None:
    assert answer(RULE, facts("9000", "root::0:0::/:\n" * 21_000)) == "unknown"


def test_shows_line_and_name_and_nothing_behind_the_empty_field() -> None:
    found = evidence(RULE, facts("9000", APP, shadow="root:*:1:\napp::$6$secret$hash::::\n"))
    assert (found["path"], found["line"], found["text"]) == ("/etc/shadow", 2, "app::…")


def test_line_numbers_count_lines_that_are_no_accounts() -> None:
    assert evidence(RULE, facts("9000", "# a\n\nroot::0:0::/:\n"))["line"] == 3


def test_fix_locks_the_account() -> None:
    advice = fix(RULE, facts("9000", DEBIAN.passwd.replace("root:x:", "root::") + "$(x)::5:5::/:\n"))
    assert "RUN passwd -l root\n" in advice
    assert "passwd -l $" not in advice


def test_fix_without_a_shell() -> None:
    assert "RUN" not in fix(RULE, facts("9000", "root::0:0::/:\n", history=["COPY passwd /etc/passwd"]))
