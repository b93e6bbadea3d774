from __future__ import annotations

import pytest

from scanner.domain.identity import AccountBytes, Identity, Runtime, StartError, process_groups, resolve

ROOT = b"root:x:0:0::/root:\n"
PASSWD = ROOT + b"app:x:7:8::/home/app:\n"
GROUP = b"root:x:0:\napp:x:8:\n"


def podman(user: str, passwd: bytes | None = PASSWD, group: bytes | None = GROUP) -> Identity | StartError:
    return resolve(Runtime.PODMAN, user, AccountBytes(passwd, group)).answer


def ids(answer: Identity | StartError) -> tuple[int, int, tuple[int, ...]]:
    assert isinstance(answer, Identity)
    return answer.uid, answer.gid, process_groups(answer)


@pytest.mark.parametrize("group", [None, b"", b"docker:x:9:\n", b"#root:x:0:\n"])
def test_a_name_is_in_the_root_group_where_no_line_has_gid_0(group: bytes | None) -> None:
    assert ids(podman("app", group=group)) == (7, 8, (0,))


@pytest.mark.parametrize("user", ["app", "7", "7:", "app:app", "app:8"])
def test_it_is_not_where_a_line_has_it_or_a_colon_stands_in_user(user: str) -> None:
    group = GROUP if ":" not in user else b"app:x:8:\n"
    assert ids(podman(user, group=group)) == (7, 8, ())


def test_an_added_line_is_swallowed_by_one_without_an_end() -> None:
    assert ids(podman("app", group=b"app:x:8:")) == (7, 8, ())


def test_a_number_is_the_name_of_its_added_line() -> None:
    assert ids(podman("9999", group=GROUP + b"adm:x:4:9999\n")) == (9999, 0, (4,))


def test_groups_out_of_range_are_left_out() -> None:
    group = GROUP + b"a:x:-1:app\nb:x:2147483647:app\nc:x:2147483646:app\nd:x:4294967296:app\n"
    assert ids(podman("app", group=group)) == (7, 8, (2147483646,))


def test_without_a_user_the_gid_is_0() -> None:
    assert ids(podman("", b"root:x:0:5::/root:\n", b"wheel:x:10:root\n")) == (0, 0, (10,))


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("9999:nosuch", "unable to get gid nosuch from group file: no matching entries in group file"),
        ("7:nosuch", "unable to find group nosuch: no matching entries in group file"),
        ("nosuch", "unable to find user nosuch: no matching entries in passwd file"),
        ("-1", "uids and gids must be in range 0-2147483647"),
        ("4294967296", "uids and gids must be in range 0-2147483647"),
    ],
)
def test_refusals(user: str, words: str) -> None:
    assert podman(user) == StartError(words)


def test_steps_quote_no_line_the_image_does_not_have() -> None:
    steps = resolve(Runtime.PODMAN, "9999", AccountBytes(PASSWD, None), (), "/work").steps
    assert any("Podman adds one: 9999:*:9999:0:container user:/work:/bin/sh" in step.text for step in steps)
    assert not any(step.path for step in steps)
