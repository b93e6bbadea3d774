from __future__ import annotations

from collections.abc import Mapping

import pytest

from scanner.domain.files import EntryPoint, Program, ProgramForm, WalkState
from scanner.domain.image_config import ImageConfig, Platform
from scanner.filesystem.entry_point import DEFAULT_PATH, entry_point
from scanner.filesystem.walker import Walker
from tests.support.archives import rootfs as stacked
from tests.support.images import Entry, File, Folder, HardLink, Symlink, Whiteout

SHELL = File(b"\x7fELF\2\1".ljust(64, b"\0"), 0o755)  # not a program: the kernel refuses it
SCRIPT = File(b"#!/bin/sh -e\n", 0o755)
PLAIN = File(b"echo\n", 0o755)

TREE: Mapping[str, Entry] = {
    "usr/bin/app": SCRIPT,
    "usr/local/bin/app": Symlink("/opt/app"),
    "opt/app": File(b"#!run\n", 0o755),
    "bin/sh": SHELL,
    "srv/run": PLAIN,
    "srv/app": File(b"#!/bin/sh", 0o644),
    "bin/folder": Folder(),
    "one": File(b"#!/two\n", 0o755),
    "two": File(b"#!/one\n", 0o755),
    "hard": HardLink("usr/bin/app"),
    "odd": File(b"#!/bin/sh\r\n", 0o755),
}


def found(
    argv: tuple[str, ...], *, path: str | None = None, cwd: str = "", trees: tuple[Mapping[str, Entry], ...] = (TREE,)
) -> EntryPoint:
    env = () if path is None else (f"PATH={path}",)
    config = ImageConfig("", Platform("linux", "amd64"), env=env, entrypoint=argv[:1], cmd=argv[1:], working_dir=cwd)
    point = entry_point(Walker(stacked(*trees)), config)
    assert point is not None
    return point


def told(program: Program | None) -> list[tuple[str, WalkState, ProgramForm, str]]:
    rows = []
    while program is not None:
        rows.append((program.walk.resolved, program.walk.state, program.form, program.needs))
        program = program.interpreter
    return rows


STANDS, GONE = WalkState.FOUND, WalkState.MISSING
PROGRAMS = [
    (
        "/usr/bin/app",
        "",
        [("/usr/bin/app", STANDS, ProgramForm.SCRIPT, "/bin/sh"), ("/bin/sh", STANDS, ProgramForm.OTHER, "")],
    ),
    (
        "/opt/app",
        "/srv",
        [("/opt/app", STANDS, ProgramForm.SCRIPT, "run"), ("/srv/run", STANDS, ProgramForm.OTHER, "")],
    ),
    ("./run", "srv", [("/srv/run", STANDS, ProgramForm.OTHER, "")]),
    ("bin/sh", "", [("/bin/sh", STANDS, ProgramForm.OTHER, "")]),
    ("/srv/app", "", [("/srv/app", STANDS, ProgramForm.UNREAD, "")]),
    ("/none", "", [("/none", GONE, ProgramForm.UNREAD, "")]),
    ("/bin/folder", "", [("/bin/folder", STANDS, ProgramForm.UNREAD, "")]),
    ("/hard", "", [("/hard", STANDS, ProgramForm.SCRIPT, "/bin/sh"), ("/bin/sh", STANDS, ProgramForm.OTHER, "")]),
    ("/odd", "", [("/odd", STANDS, ProgramForm.SCRIPT, "/bin/sh\r"), ("/bin/sh\r", GONE, ProgramForm.UNREAD, "")]),
]


@pytest.mark.parametrize(("command", "cwd", "chain"), PROGRAMS)
def test_a_command_with_a_slash(command: str, cwd: str, chain: list[tuple[str, WalkState, ProgramForm, str]]) -> None:
    point = found((command, "x"), cwd=cwd)
    assert (point.argv, point.searched, len(point.candidates)) == ((command, "x"), (), 1)
    assert told(point.candidates[0]) == chain


SEARCHES = [
    (None, "/", DEFAULT_PATH.split(":"), ["/opt/app", "/usr/bin/app"]),
    ("", "/", [], []),
    ("/usr/bin:/usr/bin/:/x", "/", ["/usr/bin", "/x"], ["/usr/bin/app"]),
    (":/usr/bin", "/srv", ["/srv", "/usr/bin"], ["/srv/app", "/usr/bin/app"]),
    ("bin", "/usr", ["/usr/bin"], ["/usr/bin/app"]),
]


@pytest.mark.parametrize(("path", "cwd", "searched", "ends"), SEARCHES)
def test_a_command_to_be_searched(path: str | None, cwd: str, searched: list[str], ends: list[str]) -> None:
    point = found(("app",), path=path, cwd=cwd)
    assert list(point.searched) == searched
    assert [candidate.walk.resolved for candidate in point.candidates] == ends


def test_no_command() -> None:
    assert entry_point(Walker(stacked(TREE)), ImageConfig("", Platform("linux", "amd64"))) is None


def test_a_command_without_a_name_is_nowhere() -> None:
    assert found(("",)).candidates == ()


def test_a_folder_of_the_name_is_a_candidate_too() -> None:
    (candidate,) = found(("folder",)).candidates
    assert candidate.form is ProgramForm.UNREAD


def test_scripts_that_run_each_other_end() -> None:
    assert len(told(found(("/one",)).candidates[0])) == 7


def test_the_interpreter_is_that_of_the_finished_tree() -> None:
    (candidate,) = found(("/usr/bin/app",), trees=(TREE, {"bin/sh": Whiteout()})).candidates
    assert told(candidate.interpreter) == [("/bin/sh", GONE, ProgramForm.UNREAD, "")]


def test_a_path_of_many_folders_is_bounded() -> None:
    assert len(found(("app",), path=":".join(f"/{n}" for n in range(256))).searched) == 256
    path = ":".join(f"/{n}" for n in range(257))
    config = ImageConfig("", Platform("linux", "amd64"), env=(f"PATH={path}",), entrypoint=("app",))
    assert entry_point(Walker(stacked(TREE)), config) is None
