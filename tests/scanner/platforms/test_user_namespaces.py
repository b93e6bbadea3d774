from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import Place
from scanner.domain.start import UserNamespace
from scanner.platforms.user_namespaces import unmapped, user_namespace
from tests.support.files import entry_point, image, node, program

FILES = {"/run": node("-rwxr-xr-x")}


def running(user: str, *, uid: int = 0, gid: int = 0) -> ImageFacts:
    facts = image(FILES, user=user, entry=entry_point(program("/run", FILES)))
    assert facts.files is not None
    owner, group = Place("/a", node("-rw-r--r--", uid, 0)), Place("/b", node("-rw-r--r--", 0, gid))
    return replace(facts, files=replace(facts.files, highest_uid=owner, highest_gid=group))


@pytest.mark.parametrize(
    ("user", "answer", "message"),
    [
        ("1001:1001", "admit", "it starts as uid 1001, gid 1001; on the host uid 101001, gid 101001"),
        ("0", "admit", "it starts as root, uid 0, gid 0; on the host uid 100000, gid 100000"),
        ("65535:65535", "admit", "it starts as uid 65535, gid 65535; on the host uid 165535, gid 165535"),
        ("65536:0", "refuse", "cannot setuid to unmapped uid 65536 in user namespace"),
        ("100000", "refuse", "cannot setuid to unmapped uid 100000 in user namespace"),
        ("1001:65536", "refuse", "setgroups: invalid argument"),
        ("nosuch", "refuse", "unable to find user nosuch: no matching entries in passwd file"),
    ],
)
def test_process(user: str, answer: str, message: str) -> None:
    found = user_namespace(running(user))
    assert (found.answer, found.message) == (answer, message)


def test_another_range() -> None:
    found = user_namespace(running("5:5"), UserNamespace(200_000, 10))
    assert found.message == "it starts as uid 5, gid 5; on the host uid 200005, gid 200005"
    assert user_namespace(running("10"), UserNamespace(200_000, 10)).answer == "refuse"


def test_a_layer_with_an_unmapped_owner_cannot_be_unpacked() -> None:
    found = user_namespace(running("1001:1001", uid=70_000))
    assert found.answer == "refuse"
    assert found.message == (
        'failed to Lchown "/a" for UID 70000, GID 0: lchown /a: invalid argument (Hint: try increasing the number of '
        "subordinate IDs in /etc/subuid and /etc/subgid)"
    )


@pytest.mark.parametrize(
    ("uid", "gid", "path"), [(0, 0, None), (65_535, 65_535, None), (65_536, 0, "/a"), (0, 65_536, "/b")]
)
def test_unmapped(uid: int, gid: int, path: str | None) -> None:
    found = unmapped(running("0", uid=uid, gid=gid), UserNamespace(100_000))
    assert (found and found.path) == path


def test_unknown_before_files_were_read() -> None:
    assert user_namespace(replace(running("1001:1001"), files=None)).answer == "unknown"
    assert user_namespace(replace(running("70000"), files=None)).answer == "refuse"


def test_windows() -> None:
    facts = running("1001")
    windows = replace(facts, config=replace(facts.config, platform=replace(facts.config.platform, os="windows")))
    assert user_namespace(windows).answer == "unknown"
