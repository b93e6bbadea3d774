from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.arbitrary_uid import ARBITRARY, Folder, can_write, home, volumes, working_dir
from scanner.domain.file_evidence import NOT_READ
from scanner.domain.files import Node, NodeKind
from scanner.domain.permissions import Access, allows
from tests.support.facts import facts
from tests.support.files import image, node


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ([], Folder("/", declared=False)),
        (["HOME="], Folder("/", declared=False)),
        (["HOME=/a", "HOME="], Folder("/", declared=False)),
        (["HOME=/"], Folder("/")),
        (["HOME=/srv//app/"], Folder("/srv/app")),
        (["HOME=/a", "HOME=/b"], Folder("/b")),
        (["HOMES=/a"], Folder("/", declared=False)),
        (["HOME=a"], Folder("/a")),
    ],
)
def test_home(env: list[str], folder: Folder) -> None:
    assert home(facts(env=env)) == folder


@pytest.mark.parametrize(
    ("declared", "folder"), [("", Folder("/", declared=False)), ("/", Folder("/")), ("/a/../b", Folder("/b"))]
)
def test_working_dir(declared: str, folder: Folder) -> None:
    assert working_dir(facts(working_dir=declared)) == folder


def test_volumes_each_once() -> None:
    assert volumes(image(volumes=["/data", "data/", "/log"])) == [Folder("/data"), Folder("/log")]


@pytest.mark.parametrize("owner", [0, 1001, 1_000_650_000, 4_294_967_295])
def test_owns_nothing_whatever_an_image_writes(owner: int) -> None:
    assert not allows(Node(NodeKind.FILE, 0o700, owner, 1001), ARBITRARY, Access.READ)


def test_gets_what_group_0_gets() -> None:
    assert allows(node("-r-xrw----", 1001, 0), ARBITRARY, Access.READ | Access.WRITE)
    assert not allows(node("-rwx---rwx", 1001, 0), ARBITRARY, Access.READ)
    assert allows(node("-rwx---rwx", 1001, 1001), ARBITRARY, Access.READ)


def test_unknown_before_files_were_read() -> None:
    asked = can_write(replace(image(), files=None), Folder("/srv"))
    assert (asked.unknown, asked.refusal) == (NOT_READ, None)


def test_unknown_where_nobody_walked() -> None:
    asked = can_write(image(), Folder("/srv"))
    assert "not searched for `/srv`" in asked.unknown
