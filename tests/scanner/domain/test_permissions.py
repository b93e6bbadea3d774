from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.files import (
    Node,
    NodeKind,
    PermissionClass,
    Place,
    Program,
    ProgramForm,
    Walk,
    WalkState,
)
from scanner.domain.permissions import (
    MAKE_FILES,
    Access,
    Denied,
    Process,
    allows,
    denied,
    not_executable,
    reaches,
    stopped_at,
)
from tests.support.files import node, program, walk

OWNER = Process(1001, frozenset({1001}))
MEMBER = Process(2002, frozenset({2002, 0}))
OTHER = Process(3003, frozenset({3003}))
ROOT = Process(0, frozenset({0}), overrides=True)
DROPPED = Process(0, frozenset({0}))
LETTERS = {"r": Access.READ, "w": Access.WRITE, "x": Access.EXECUTE}


def can(process: Process, listing: str, uid: int = 1001, gid: int = 0) -> str:
    found = node(listing, uid, gid)
    return "".join(letter for letter, access in LETTERS.items() if allows(found, process, access))


@pytest.mark.parametrize(
    ("listing", "owner", "member", "other", "root"),
    [
        ("-rwxr-x--x", "rwx", "rx", "x", "rwx"),
        ("-rw-r--r--", "rw", "r", "r", "rw"),
        ("----------", "", "", "", "rw"),
        ("-rwx---rwx", "rwx", "", "rwx", "rwx"),  # 0707: the group class is the first that matches
        ("----rwxrwx", "", "rwx", "rwx", "rwx"),  # 0077: so is the owner class
        ("---------x", "", "", "x", "rwx"),  # one x bit anywhere is enough for root
        ("-rwSr-Sr-T", "rw", "r", "r", "rw"),  # setuid, setgid and sticky are not permissions
        ("d---------", "", "", "", "rwx"),  # root searches any folder
        ("drwxrwx---", "rwx", "rwx", "", "rwx"),
        ("drwxrwxrwt", "rwx", "rwx", "rwx", "rwx"),
        ("crw-rw-rw-", "rw", "rw", "rw", "rw"),
    ],
)
def test_first_class_that_matches(listing: str, owner: str, member: str, other: str, root: str) -> None:
    assert [can(process, listing) for process in (OWNER, MEMBER, OTHER, ROOT)] == [owner, member, other, root]


def test_root_without_its_capability_is_an_owner_like_others() -> None:
    assert can(DROPPED, "-r--rwxrwx", uid=0) == "r"
    assert can(DROPPED, "-rwx---r--", uid=1001, gid=1001) == "r"
    assert can(DROPPED, "drwx------", uid=1001, gid=1001) == ""


def test_everything_that_is_wanted_must_be_allowed() -> None:
    assert not allows(node("dr-xrwxrwx", 1001), OWNER, MAKE_FILES)
    assert allows(node("d-wx------", 1001), OWNER, MAKE_FILES)
    assert allows(node("----------", 1001), OWNER, Access(0))


def naive(mode: int, uid: int, gid: int, process: Process, letter: str) -> bool:
    """The same from the twelve bits written out as text."""
    text = f"{mode & 0o777:09b}"
    owner, group, other = text[:3], text[3:6], text[6:]
    chosen = owner if process.uid == uid else group if gid in process.gids else other
    return chosen["rwx".index(letter)] == "1"


IDS = st.sampled_from((0, 1, 1001, 65_534, 4_294_967_295))


@given(st.integers(0, 0o7777), IDS, IDS, IDS, st.frozensets(IDS), st.sampled_from("rwx"), st.sampled_from(NodeKind))
def test_against_a_naive_model(
    mode: int, owner: int, group: int, uid: int, gids: frozenset[int], letter: str, kind: NodeKind
) -> None:
    process = Process(uid, gids)
    assert allows(Node(kind, mode, owner, group), process, LETTERS[letter]) is naive(
        mode, owner, group, process, letter
    )


@given(st.integers(0, 0o7777), IDS, IDS, st.sampled_from(NodeKind), st.integers(1, 7))
def test_capable_root_lacks_nothing_but_an_execute_bit(
    mode: int, owner: int, group: int, kind: NodeKind, wanted: int
) -> None:
    lacks = bool(wanted & 1) and kind is not NodeKind.FOLDER and mode & 0o111 == 0
    assert allows(Node(kind, mode, owner, group), ROOT, Access(wanted)) is not lacks


@given(st.integers(0, 0o7777), IDS, IDS, st.frozensets(IDS), st.sampled_from(NodeKind), st.integers(0, 7))
def test_root_may_whatever_it_may_without_the_capability(
    mode: int, owner: int, group: int, gids: frozenset[int], kind: NodeKind, wanted: int
) -> None:
    found = Node(kind, mode, owner, group)
    if allows(found, Process(0, gids), Access(wanted)):
        assert allows(found, Process(0, gids, overrides=True), Access(wanted))


FILES = {
    "/srv": node("drwxr-xr-x"),
    "/srv/closed": node("drwx------"),
    "/srv/closed/file": node("-rw-rw-rw-"),
    "/srv/file": node("-rw-r-----", 1001, 0),
}


@pytest.mark.parametrize(
    ("process", "path", "wanted", "where"),
    [
        (MEMBER, "/srv/file", Access.READ, None),
        (MEMBER, "/srv/file", Access.WRITE, "/srv/file"),
        (OTHER, "/srv/file", Access.READ, "/srv/file"),
        (OTHER, "/srv/closed/file", Access.READ, "/srv/closed"),
        (OTHER, "/srv/closed/none", Access.READ, "/srv/closed"),  # what is behind it cannot be seen either
        (ROOT, "/srv/closed/file", Access.WRITE, None),
        (ROOT, "/srv/none", Access.READ, "/srv/none"),
        (ROOT, "/srv/file/none", Access.READ, "/srv/file"),
        (OTHER, "/", Access.READ, None),
        (OTHER, "/", Access.WRITE, "/"),
    ],
)
def test_every_folder_on_the_way_counts(process: Process, path: str, wanted: Access, where: str | None) -> None:
    found = denied(walk(path, FILES), process, wanted)
    assert (found and found.path) == where


def test_says_what_refuses() -> None:
    found = denied(walk("/srv/closed/file", FILES), OTHER, Access.READ)
    assert found == Denied("/srv/closed", Place("/srv/closed", node("drwx------"), 0), Access.EXECUTE)
    assert denied(walk("/none", FILES), OTHER, Access.READ) == Denied("/none", None, None)


@pytest.mark.parametrize("state", [WalkState.MISSING, WalkState.NOT_A_FOLDER, WalkState.LINK_LOOP])
def test_nobody_does_anything_where_nothing_stands(state: WalkState) -> None:
    assert denied(Walk("/a", state, "/a"), ROOT, Access(0)) == Denied("/a", None, None)


@given(st.lists(st.integers(0, 0o777), max_size=4), st.integers(0, 0o777), st.integers(1, 7))
def test_a_walk_is_all_of_its_steps(folders: list[int], mode: int, wanted: int) -> None:
    places = [Place(f"/{at}", Node(NodeKind.FOLDER, bits, 5, 5)) for at, bits in enumerate(folders)]
    end = Place("/end", Node(NodeKind.FILE, mode, 5, 5))
    found = Walk("/end", WalkState.FOUND, "/end", tuple(places), end)
    expected = all(bits & 1 for bits in folders) and mode & wanted == wanted
    assert (denied(found, OTHER, Access(wanted)) is None) is expected


def test_entries_of_a_tree() -> None:
    entries = PermissionClass(node("-rw-r--r--"), (node("drwxr-xr-x"), node("drwxr-x---", 0, 0)), 2, ("/a/b/c",))
    assert reaches(entries, MEMBER, Access.READ)
    assert stopped_at(entries, MEMBER, Access.WRITE) == node("-rw-r--r--")
    assert stopped_at(entries, OTHER, Access.READ) == node("drwxr-x---", 0, 0)
    assert not reaches(entries, OTHER, Access.READ)


PROGRAMS = {
    "/bin/sh": node("-rwxr-xr-x"),
    "/lib/ld.so": node("-rwxr-xr-x"),
    "/lib/closed.so": node("-rw-r--r--"),
    "/run": node("-rwxr-x--x"),
    "/private": node("drwxr-x---", 1001, 1001),
    "/private/sh": node("-rwxr-xr-x"),
    "/folder": node("drwxr-xr-x"),
    "/plain": node("-rw-r--r--"),
    "/fifo": node("prwxr-xr-x"),
}
SHELL = program("/bin/sh", PROGRAMS, interpreter=program("/lib/ld.so", PROGRAMS))


@pytest.mark.parametrize(
    ("found", "process", "where"),
    [
        (SHELL, OTHER, None),
        (program("/run", PROGRAMS), OTHER, None),  # a program need not be readable …
        (program("/run", PROGRAMS, ProgramForm.SCRIPT, interpreter=SHELL), OTHER, "/run"),  # … but a script must
        (program("/run", PROGRAMS, ProgramForm.SCRIPT, interpreter=SHELL), MEMBER, None),
        (program("/plain", PROGRAMS), ROOT, "/plain"),
        (program("/folder", PROGRAMS, ProgramForm.UNREAD), OTHER, "/folder"),
        (program("/fifo", PROGRAMS, ProgramForm.UNREAD), ROOT, "/fifo"),
        (program("/none", PROGRAMS, ProgramForm.UNREAD), ROOT, "/none"),
        (program("/bin/sh", PROGRAMS, interpreter=program("/lib/closed.so", PROGRAMS)), ROOT, "/lib/closed.so"),
        (program("/bin/sh", PROGRAMS, interpreter=program("/lib/none.so", PROGRAMS)), ROOT, "/lib/none.so"),
        (
            program("/bin/sh", PROGRAMS, ProgramForm.SCRIPT, interpreter=program("/private/sh", PROGRAMS)),
            OTHER,
            "/private",
        ),
    ],
)
def test_programs(found: Program, process: Process, where: str | None) -> None:
    problem = not_executable(found, process)
    assert (problem and problem.path) == where


@pytest.mark.parametrize(("scripts", "starts"), [(1, True), (4, True), (5, True), (6, False), (9, False)])
def test_scripts_of_scripts_as_linux_counts_them(scripts: int, starts: bool) -> None:
    found = SHELL  # whose loader the kernel opens without counting it
    for _ in range(scripts):
        found = program("/bin/sh", PROGRAMS, ProgramForm.SCRIPT, interpreter=found)
    assert (not_executable(found, OTHER) is None) is starts


@pytest.mark.parametrize(("kind", "overrides"), list(product(NodeKind, (False, True))))
def test_only_regular_files_are_executed(kind: NodeKind, overrides: bool) -> None:
    place = Place("/x", Node(kind, 0o777, 0, 0))
    found = Program(Walk("/x", WalkState.FOUND, "/x", (), place), ProgramForm.UNREAD)
    problem = not_executable(found, Process(0, frozenset({0}), overrides=overrides))
    assert (problem is None) is (kind is NodeKind.FILE)
