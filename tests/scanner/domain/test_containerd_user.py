from __future__ import annotations

import pytest

from scanner.domain.identity import AccountBytes, Identity, Runtime, StartError, resolve

PASSWD = b"root:x:0:0::/root:\napp:x:7:8::/home/app:\nalso:x:7:9::/also:\n"
GROUP = b"root:x:0:\nwheel:x:10:root\nbin:x:2:app\napp:x:8:app\nalso:x:9:\ng:x:3:also\n"


def containerd(user: str, passwd: bytes | None = PASSWD, group: bytes | None = GROUP) -> Identity | StartError:
    return resolve(Runtime.CONTAINERD, user, AccountBytes(passwd, group)).answer


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        ("", (0, 0, (10,))),
        ("app", (7, 8, (2,))),
        ("also", (7, 9, (2,))),  # the groups of the first name with its uid
        ("app:", (7, 0, (2,))),
        ("7:", (7, 0, (2,))),
        ("7:5", (7, 5, (2,))),
        ("app:wheel", (7, 10, (2,))),
        (":wheel", (0, 10, (10,))),
        (":", (0, 0, (10,))),
        ("9999", (9999, 0, ())),
        ("+7:-0", (7, 0, (2,))),
    ],
)
def test_who(user: str, wanted: tuple[int, int, tuple[int, ...]]) -> None:
    answer = containerd(user)
    assert isinstance(answer, Identity)
    assert (answer.uid, answer.gid, answer.groups) == wanted


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("a:b:c", "invalid USER value a:b:c"),
        ("-1:app", 'invalid USER value "-1:app": uid out of range'),
        ("nosuch:-1", 'invalid USER value "nosuch:-1": gid out of range'),
        ("nosuch:nosuch", "no users found"),
        ("app:nosuch", "no groups found"),
        ("9:nosuch", "no groups found"),
    ],
)
def test_refusals(user: str, words: str) -> None:
    assert containerd(user) == StartError(words)


def test_without_a_user_the_accounts_are_not_read() -> None:
    answer = containerd("", b"x" * 70_000)
    assert isinstance(answer, Identity)
    assert (answer.uid, answer.gid, answer.groups) == (0, 0, (10,))
    assert containerd("5:5", b"x" * 70_000) == StartError("bufio.Scanner: token too long")
