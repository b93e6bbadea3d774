from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.files import Node, NodeKind, Place, Walk, WalkState
from scanner.domain.permission_evidence import folder_refusal, listing, owned, place_evidence, refusal_evidence
from scanner.domain.permissions import MAKE_FILES, Access, Process
from tests.support.facts import facts
from tests.support.files import node, walk

GROUP_0 = Process(-1, frozenset({0}))


@given(st.integers(0, 0o7777))
def test_listing_is_what_the_standard_library_prints(mode: int) -> None:
    assert listing(Node(NodeKind.FOLDER, mode, 0, 0)) == stat.filemode(stat.S_IFDIR | mode)
    assert listing(Node(NodeKind.FILE, mode, 0, 0)) == stat.filemode(stat.S_IFREG | mode)


@pytest.mark.parametrize("text", ["drwxr-xr-x", "-rwsr-sr-t", "-rwSr-Sr-T", "lrwxrwxrwx", "crw-rw----", "p---------"])
def test_listing_reads_back(text: str) -> None:
    assert listing(node(text)) == text


def test_listing_of_a_real_folder(tmp_path: os.PathLike[str]) -> None:
    found = os.stat(tmp_path)
    assert listing(Node(NodeKind.FOLDER, stat.S_IMODE(found.st_mode), 0, 0)) == stat.filemode(found.st_mode)


def test_owned() -> None:
    assert owned(node("drwxr-xr-x", 1001, 0)) == "drwxr-xr-x (0755), owner 1001:0"


FILES = {
    "/open": node("drwxrwx---"),
    "/shut": node("drwx------"),
    "/shut/in": node("drwxrwxrwx"),
    "/mine": node("drwxr-xr-x", 1001, 1001),
    "/file": node("-rw-rw-rw-"),
}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/open", None),
        ("/mine", "is not writable by group 0: drwxr-xr-x (0755), owner 1001:1001"),
        ("/shut/in", "cannot be reached by group 0, which may not search `/shut`: drwx------ (0700), owner 0:0"),
        ("/shut/none", "cannot be reached by group 0, which may not search `/shut`: drwx------ (0700), owner 0:0"),
        ("/file", "is no folder: -rw-rw-rw- (0666), owner 0:0"),
        ("/file/in", "does not exist, because `/file` is no folder"),
        ("/none", "does not exist"),
        ("/none/in", "does not exist, because there is no `/none`"),
    ],
)
def test_what_is_said(path: str, said: str | None) -> None:
    found = folder_refusal(walk(path, FILES), GROUP_0, MAKE_FILES, "group 0")
    assert (found and found.said) == said


def test_a_loop_of_links() -> None:
    found = folder_refusal(Walk("/a", WalkState.LINK_LOOP, "/a"), GROUP_0, Access.READ, "group 0")
    assert found is not None
    assert (found.said, found.missing) == ("is a loop of links", False)


def test_a_folder_all_of_whose_bits_refuse() -> None:
    found = folder_refusal(walk("/f", {"/f": node("d---------")}), GROUP_0, Access.READ, "group 0")
    assert found is not None
    assert found.said == "is not readable by group 0: d--------- (0000), owner 0:0"


@pytest.mark.parametrize(
    ("path", "missing"), [("/none", True), ("/none/in", True), ("/mine", False), ("/file/in", False)]
)
def test_missing(path: str, missing: bool) -> None:
    found = folder_refusal(walk(path, FILES), GROUP_0, MAKE_FILES, "group 0")
    assert found is not None
    assert found.missing is missing


def test_evidence_names_the_place_that_refuses_and_what_made_it() -> None:
    image = facts(history=["COPY app /shut/in"])
    found = folder_refusal(walk("/shut/in", FILES), GROUP_0, MAKE_FILES, "group 0")
    assert found is not None
    said = refusal_evidence(image, found)
    assert (said["path"], said["wanted"], said["mode"], said["listing"]) == ("/shut", "/shut/in", "0700", "drwx------")
    assert (said["owner"], said["group"], said["layer_number"], said["created_by"]) == (0, 0, 1, "COPY app /shut/in")


def test_paths_are_made_safe_to_show() -> None:
    shown = place_evidence(facts(), Place("/a\u202e\n", node("drwxr-xr-x")), "x")
    assert shown["path"] == "/a\\u202e\\n"
