from __future__ import annotations

import pytest

from scanner.domain.identity import AccountBytes, Identity, Runtime, StartError, resolve

ROOT = b"root:x:0:0::/root:\n"
APP = b"app:x:7:8::/home/app:\n"
NO_APP = StartError('determining run uid: user: unknown user error looking up user "app"')


def buildah(user: str, passwd: bytes | None, group: bytes | None = None) -> Identity | StartError:
    return resolve(Runtime.BUILDAH, user, AccountBytes(passwd, group)).answer


@pytest.mark.parametrize(
    "odd",
    [
        b"#\n",
        b"\n",
        b"a:b\n",
        b"a:x:1:1:::sh:8\n",
        b"a:x:+1:1:::\n",
        b"a:x:1:4294967296:::\n",
        b"a" * 70_000 + b"\n",
    ],
)
def test_an_odd_line_hides_what_comes_behind_it(odd: bytes) -> None:
    assert isinstance(buildah("app", ROOT + APP + odd), Identity)
    assert buildah("app", ROOT + odd + APP) == NO_APP


@pytest.mark.parametrize(
    ("group", "groups"),
    [
        (b"a:x:1:app\n", (1,)),
        (b"a:x:1:webapp\nb:x:2:apple,x\nc:x:3:ap\n", (1, 2)),
        (b" # comment\na:x:1:app\n", (1,)),
        (b"\na:x:1:app\n", ()),
        (b"a:x:1:app\nodd\nb:x:2:app\n", (1,)),
        (b"a:x:1:app\nb:x:-1:app\n", (1,)),
        (None, ()),
    ],
)
def test_groups_go_by_substring(group: bytes | None, groups: tuple[int, ...]) -> None:
    answer = buildah("app", APP, group)
    assert isinstance(answer, Identity)
    assert answer.groups == groups


@pytest.mark.parametrize("user", ["app:", "7:", ":", "app:8", "7:8"])
def test_a_colon_means_no_groups(user: str) -> None:
    answer = buildah(user, ROOT + APP, b"root:x:0:\na:x:1:app,root\n")
    assert isinstance(answer, Identity)
    assert answer.groups == ()


def test_the_lines_are_in_the_steps() -> None:
    steps = resolve(Runtime.BUILDAH, "app:g", AccountBytes(ROOT + APP, b"g:x:5:\n")).steps
    assert [(step.path, step.line) for step in steps if step.path] == [("/etc/passwd", 2), ("/etc/group", 1)]
