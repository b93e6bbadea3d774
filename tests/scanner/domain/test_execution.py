from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest

from scanner.domain.arbitrary_uid import ARBITRARY
from scanner.domain.capabilities import DOCKER_DEFAULT, NO_CAPABILITIES
from scanner.domain.execution import CAPABLE_ROOT, Execution, execute
from scanner.domain.facts import ImageFacts
from scanner.domain.files import EntryPoint, FileFacts, PrivilegedFile, Program, ProgramForm, Walk, WalkState
from scanner.domain.permissions import Process
from tests.support.files import entry_point, file_facts, image, node, program

FILES = {
    "/bin/sh": node("-rwxr-xr-x"),
    "/lib/ld.so": node("-rwxr-xr-x"),
    "/srv/run": node("-rwxr-xr-x"),
    "/srv/mine": node("-rwx------", 1001, 1001),
    "/srv/script": node("-rwxr-x--x", 1001, 1001),
    "/root": node("drwx------"),
    "/root/run": node("-rwxr-xr-x"),
    "/srv/plain": node("-rw-r--r--"),
    "/srv/folder": node("drwxr-xr-x"),
    "/srv/fifo": node("prwxrwxrwx"),
    "/usr/bin/server": node("-rwxr-x---", 0, 1001),
    "/bin/server": node("-rwxr-xr-x"),
}
SH = program("/bin/sh", FILES, interpreter=program("/lib/ld.so", FILES))


def script(path: str, interpreter: Program = SH) -> Program:
    return program(path, FILES, ProgramForm.SCRIPT, interpreter=interpreter)


def run(*programs: Program, process: Process = ARBITRARY, argv: Sequence[str] = ()) -> Execution:
    return execute(image(FILES, entry=entry_point(*programs, argv=argv)), process)


@pytest.mark.parametrize("started", [program("/srv/run", FILES), script("/srv/run"), SH])
def test_executed(started: Program) -> None:
    assert run(started).succeeds


@pytest.mark.parametrize(
    ("started", "problem"),
    [
        (program("/srv/none", FILES), 'exec: "/srv/none": stat /srv/none: no such file or directory'),
        (program("/srv/run/x", FILES), 'exec: "/srv/run/x": stat /srv/run/x: not a directory'),
        (program("/srv/mine", FILES), 'exec: "/srv/mine": permission denied'),
        (program("/root/run", FILES), 'exec: "/root/run": stat /root/run: permission denied'),
        (program("/srv/folder", FILES), 'exec: "/srv/folder": is a directory'),
        (program("/srv/plain", FILES), 'exec: "/srv/plain": permission denied'),
        (program("/srv/fifo", FILES, ProgramForm.UNREAD), "exec /srv/fifo: permission denied"),
        (program("/srv/run", FILES, ProgramForm.OTHER), "exec /srv/run: exec format error"),
        (program("/srv/run", FILES, ProgramForm.SCRIPT), "exec /srv/run: exec format error"),
        (script("/srv/run", program("/bin/bash", FILES)), "exec /srv/run: no such file or directory"),
        (script("/srv/run", program("/root/run", FILES)), "exec /srv/run: permission denied"),
        (script("/srv/run", program("/srv/plain", FILES)), "exec /srv/run: permission denied"),
        (script("/srv/run", program("/srv/run", FILES, ProgramForm.OTHER)), "exec /srv/run: exec format error"),
        (program("/srv/run", FILES, interpreter=program("/lib/x", FILES)), "exec /srv/run: no such file or directory"),
        (script("/srv/script"), "its interpreter cannot open /srv/script: permission denied"),
    ],
)
def test_in_the_words_of_who_refuses(started: Program, problem: str) -> None:
    found = run(started)
    assert found.problem == problem
    assert not found.succeeds


def test_six_scripts_in_a_row() -> None:
    found = SH
    for _ in range(6):
        found = script("/srv/run", found)
    assert run(found).problem == "exec /srv/run: too many levels of symbolic links"


def test_a_loop_of_links() -> None:
    looped = Program(Walk("/a", WalkState.LINK_LOOP, "/a"), ProgramForm.UNREAD)
    assert run(looped).problem == 'exec: "/a": stat /a: too many levels of symbolic links'


def test_says_what_stands_in_the_way() -> None:
    found = run(script("/srv/run", program("/root/run", FILES)))
    assert found.walk is not None
    assert found.walk.path == "/root/run"
    assert found.denied is not None
    assert found.denied.path == "/root"


SERVERS = (program("/usr/bin/server", FILES), program("/bin/server", FILES))


def test_path_is_searched_for_the_first_that_may_be_executed() -> None:
    assert run(*SERVERS, argv=["server"]).program == "/bin/server"
    assert run(*SERVERS, argv=["server"], process=CAPABLE_ROOT).program == "/usr/bin/server"


@pytest.mark.parametrize("candidates", [SERVERS[:1], (), (program("/srv/folder", FILES),)])
def test_path_without_a_command_of_that_name(candidates: tuple[Program, ...]) -> None:
    found = run(*candidates, argv=["server"])
    assert found.problem == 'exec: "server": executable file not found in $PATH'


def test_path_says_which_candidate_refused() -> None:
    found = run(*SERVERS[:1], argv=["server"])
    assert found.denied is not None
    assert found.denied.path == "/usr/bin/server"


def test_no_command() -> None:
    facts = image()
    assert execute(replace(facts, config=replace(facts.config, cmd=(), entrypoint=None)), ARBITRARY).problem


@pytest.mark.parametrize("files", [None, FileFacts()])
def test_unknown_before_files_were_read(files: FileFacts | None) -> None:
    found = execute(replace(image(), files=files), ARBITRARY)
    assert found.unknown
    assert not found.succeeds


@pytest.mark.parametrize(
    "started",
    [program("/srv/run", FILES, ProgramForm.UNREAD), script("/srv/run", program("/bin/sh", FILES, ProgramForm.UNREAD))],
)
def test_unknown_where_first_bytes_were_not_kept(started: Program) -> None:
    assert "were not kept" in run(started).unknown


def capability(bit: int, *, effective: bool = True) -> bytes:
    return struct.pack("<5I", 0x02000000 | effective, 1 << bit, 0, 0, 0)


def with_capability(raw: bytes, started: Program, holder: str = "/srv/run", *, total: int = 1) -> ImageFacts:
    known = file_facts(FILES, entry=EntryPoint((started.walk.path,), (), (started,)))
    place = program(holder, FILES).walk.place
    assert place is not None
    files = replace(known, privileged=(PrivilegedFile(place, raw),), privileged_total=total)
    return replace(image(), files=files)


RUN = program("/srv/run", FILES)


@pytest.mark.parametrize(
    ("raw", "bounding", "problem"),
    [
        (capability(10), NO_CAPABILITIES, "exec /srv/run: operation not permitted"),
        (capability(10), DOCKER_DEFAULT, ""),
        (capability(12), DOCKER_DEFAULT, "exec /srv/run: operation not permitted"),
        (capability(10, effective=False), NO_CAPABILITIES, ""),
        (b"", NO_CAPABILITIES, ""),
        (b"\1", NO_CAPABILITIES, "exec /srv/run: invalid argument"),
    ],
)
def test_capabilities_of_the_file(raw: bytes, bounding: frozenset[str], problem: str) -> None:
    facts = with_capability(raw, RUN)
    assert execute(facts, ARBITRARY, bounding).problem == problem
    assert execute(facts, CAPABLE_ROOT, bounding).problem == problem
    assert execute(facts, ARBITRARY).problem == ""


def test_of_a_script_its_interpreter_s_capabilities_count() -> None:
    found = script("/bin/server", RUN)
    assert execute(with_capability(capability(10), found), ARBITRARY, NO_CAPABILITIES).problem
    assert not execute(with_capability(capability(10), found, "/bin/server"), ARBITRARY, NO_CAPABILITIES).problem


def test_unknown_where_not_all_privileged_files_were_kept() -> None:
    facts = with_capability(capability(10), RUN, "/bin/sh", total=9)
    assert execute(facts, ARBITRARY, NO_CAPABILITIES).unknown
    assert execute(with_capability(capability(10), SH, "/srv/run", total=9), ARBITRARY, NO_CAPABILITIES).succeeds


def test_names_are_made_safe_to_show() -> None:
    found = run(argv=["a\u202eb"])
    assert found.problem == 'exec: "a\\u202eb": executable file not found in $PATH'
