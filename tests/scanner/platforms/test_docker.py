from __future__ import annotations

import pytest

from scanner.platforms.docker import docker_run
from tests.support.facts import facts as an_image


@pytest.mark.parametrize(
    ("user", "passwd", "answer", "message"),
    [
        ("app", b"app:x:7:8:::\n", "admit", "it starts as uid 7, gid 8"),
        (
            *("app", b"", "refuse"),
            "Error response from daemon: unable to find user app: no matching entries in passwd file",
        ),
        (
            *("app", b"app:x:-1:8:::\n", "refuse"),
            "Error response from daemon: cannot setuid to unmapped uid 4294967295 in user namespace",
        ),
    ],
)
def test_docker_run(user: str, passwd: bytes, answer: str, message: str) -> None:
    found = docker_run(an_image(user, passwd=passwd))
    assert (found.answer, found.message) == (answer, message)
