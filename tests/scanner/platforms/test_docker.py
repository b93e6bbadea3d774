from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import FileFacts, ProgramForm
from scanner.platforms.docker import docker_run, podman_run
from tests.support.facts import facts as an_image
from tests.support.files import entry_point, file_facts, image, node, program

FILES = {
    "/srv/run": node("-rwxr-xr-x"),
    "/srv/mine": node("-rwx------", 1001, 1001),
    "/srv/plain": node("-rw-r--r--"),
}


def files(path: str = "/srv/run", form: ProgramForm = ProgramForm.ELF) -> FileFacts:
    return file_facts(FILES, entry=entry_point(program(path, FILES, form)))


def running(path: str, form: ProgramForm = ProgramForm.ELF, *, user: str = "1002:1002") -> ImageFacts:
    return replace(image(FILES, user=user), files=files(path, form))


@pytest.mark.parametrize(
    ("user", "passwd", "answer", "message"),
    [
        ("app", b"app:x:7:8:::\n", "admit", "it starts as uid 7, gid 8"),
        ("", b"", "admit", "it starts as root, uid 0, gid 0"),
        ("app", b"app:x:0:8:::\n", "admit", "it starts as root, uid 0, gid 8"),
        ("app", b"", "refuse", "unable to find user app: no matching entries in passwd file"),
        ("app", b"app:x:-1:8:::\n", "refuse", "cannot setuid to unmapped uid 4294967295 in user namespace"),
    ],
)
def test_identity(user: str, passwd: bytes, answer: str, message: str) -> None:
    found = docker_run(replace(an_image(user, passwd=passwd), files=files()))
    prefix = "Error response from daemon: " if answer == "refuse" else ""
    assert (found.answer, found.message) == (answer, prefix + message)


def test_podman_s_own_words_for_a_user() -> None:
    found = podman_run(replace(an_image("nosuch"), files=files()))
    assert found.message == "Error: unable to find user nosuch: no matching entries in passwd file"


def test_podman_starts() -> None:
    assert podman_run(running("/srv/run", user="1001:1001")).message == "it starts as uid 1001, gid 1001"


RUNC = "runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    ("facts", "docker", "podman"),
    [
        (
            running("/srv/mine"),
            f'Error response from daemon: OCI runtime create failed: {RUNC}exec: "/srv/mine": permission denied',
            f'Error: runc: {RUNC}exec: "/srv/mine": permission denied: OCI permission denied',
        ),
        (
            running("/none"),
            f'Error response from daemon: OCI runtime create failed: {RUNC}exec: "/none": stat /none: no such file or '
            "directory",
            f'Error: runc: {RUNC}exec: "/none": stat /none: no such file or directory: OCI runtime attempted to invoke '
            "a command that was not found",
        ),
        (running("/srv/run", ProgramForm.OTHER), *["exec /srv/run: exec format error"] * 2),
    ],
)
def test_command(facts: ImageFacts, docker: str, podman: str) -> None:
    assert (docker_run(facts).answer, docker_run(facts).message) == ("refuse", docker)
    assert (podman_run(facts).answer, podman_run(facts).message) == ("refuse", podman)


def test_no_command() -> None:
    facts = running("/srv/run")
    empty = replace(facts, config=replace(facts.config, cmd=None))
    assert docker_run(empty).message == "Error response from daemon: no command specified"
    assert podman_run(empty).message == (
        "Error: no command or entrypoint provided, and no CMD or ENTRYPOINT from image"
    )


@pytest.mark.parametrize(("path", "answer"), [("/srv/mine", "admit"), ("/srv/plain", "refuse")])
def test_root_executes_what_anybody_may(path: str, answer: str) -> None:
    assert docker_run(running(path, user="")).answer == answer


def test_unknown_before_files_were_read() -> None:
    found = docker_run(an_image("7", passwd=b""))
    assert found.answer == "unknown"
    assert found.message.startswith("it starts as uid 7, gid 0, if its command can be executed.")


def test_windows() -> None:
    facts = running("/srv/run")
    windows = replace(facts, config=replace(facts.config, platform=replace(facts.config.platform, os="windows")))
    assert {docker_run(windows).answer, podman_run(windows).answer} == {"unknown"}
