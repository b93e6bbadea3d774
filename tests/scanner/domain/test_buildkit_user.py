from __future__ import annotations

import pytest

from scanner.domain.identity import AccountBytes, Identity, Runtime, StartError, resolve

NOTHING = AccountBytes(None, None)
BROKEN = AccountBytes(b"x" * 70_000, None)
ODD = AccountBytes(b"root:x:5:5:::\n", b"root:x:6:\n")


@pytest.mark.parametrize(
    ("user", "files", "wanted"),
    [
        ("5:6", BROKEN, (5, 6)),
        ("4294967295:4294967295", NOTHING, (4294967295, 4294967295)),
        ("root:root", ODD, (0, 0)),
        ("root:7", ODD, (0, 7)),
        ("root", ODD, (5, 5)),
        ("+5:7", NOTHING, (5, 7)),
        ("", BROKEN, (0, 0)),
    ],
)
def test_who(user: str, files: AccountBytes, wanted: tuple[int, int]) -> None:
    answer = resolve(Runtime.BUILDKIT, user, files).answer
    assert isinstance(answer, Identity)
    assert (answer.uid, answer.gid) == wanted


@pytest.mark.parametrize("user", ["5", "0", "+5:7", "4294967296:1"])
def test_anything_else_goes_the_way_of_docker(user: str) -> None:
    answers = [resolve(runtime, user, BROKEN).answer for runtime in (Runtime.BUILDKIT, Runtime.DOCKER)]
    assert isinstance(answers[0], StartError)
    assert answers[0] == answers[1]
