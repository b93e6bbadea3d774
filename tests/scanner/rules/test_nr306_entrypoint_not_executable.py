from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import Program, ProgramForm
from scanner.rules.nr306_entrypoint_not_executable import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.files import entry_point, image, node, program

FILES = {
    "/bin/sh": node("-rwxr-xr-x"),
    "/srv/server": node("-rwxr-xr-x"),
    "/srv/mine": node("-rwx------", 1001, 1001),
    "/srv/plain": node("-rw-r--r--"),
    "/srv/script": node("-rwx--x--x", 1001, 1001),
    "/srv/shut": node("drwx------", 1001, 1001),
    "/srv/shut/server": node("-rwxr-xr-x"),
    "/root": node("drwx------"),
    "/root/server": node("-rwxr-xr-x"),
}


def starting(found: Program) -> ImageFacts:
    return image(FILES, entry=entry_point(found))


def at(path: str, form: ProgramForm = ProgramForm.ELF, interpreter: str = "") -> ImageFacts:
    needed = program(interpreter, FILES) if interpreter else None
    return starting(program(path, FILES, form, interpreter=needed))


SCRIPT = ProgramForm.SCRIPT


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (at("/srv/server"), "ok"),
        (at("/srv/server", SCRIPT, "/bin/sh"), "ok"),
        (at("/srv/mine"), "violated"),
        (at("/srv/plain"), "violated"),
        (at("/srv/script", SCRIPT, "/bin/sh"), "violated"),
        (at("/srv/shut/server"), "violated"),
        (at("/root/server"), "violated"),
        (at("/none"), "violated"),
        (at("/srv/server", SCRIPT, "/bin/bash"), "violated"),
        (at("/srv/server", ProgramForm.OTHER), "violated"),
        (at("/srv/server", ProgramForm.UNREAD), "unknown"),
        (replace(at("/srv/server"), files=None), "unknown"),
    ],
)
def test_outcome(facts: ImageFacts, expected: str) -> None:
    assert answer(RULE, facts) == expected


def test_not_applicable_without_a_command() -> None:
    facts = at("/srv/server")
    assert answer(RULE, replace(facts, config=replace(facts.config, cmd=None, entrypoint=()))) == "not_applicable"


@pytest.mark.parametrize(
    ("facts", "everybody"),
    [
        (at("/srv/mine"), False),
        (at("/root/server"), False),
        (at("/srv/plain"), True),
        (at("/none"), True),
        (at("/srv/server", ProgramForm.OTHER), True),
    ],
)
def test_says_when_nobody_can(facts: ImageFacts, everybody: bool) -> None:
    assert ("nobody, root included" in str(RULE.check(facts, None).reason)) is everybody


def test_evidence_is_the_folder_that_refuses() -> None:
    found = evidence(RULE, at("/srv/shut/server"))
    assert (found["path"], found["wanted"], found["mode"]) == ("/srv/shut", "/srv/shut/server", "0700")


def test_evidence_of_nothing() -> None:
    facts = image(FILES, entry=entry_point(argv=["server"], searched=["/usr/bin", "/bin"]))
    assert evidence(RULE, facts) == {
        "path": "server",
        "text": 'exec: "server": executable file not found in $PATH',
        "wanted": "server",
        "searched": "/usr/bin:/bin",
    }


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        (at("/srv/mine"), "RUN chgrp 0 /srv/mine && chmod g+rx /srv/mine"),
        (at("/srv/plain"), "RUN chmod a+rx /srv/plain"),
        (at("/srv/shut/server"), "RUN chgrp 0 /srv/shut && chmod g+x /srv/shut"),
        (at("/root/server"), "COPY --chmod=0755 server /usr/local/bin/server"),
        (at("/none"), "Copy the program into the image"),
        (at("/srv/server", SCRIPT, "/bin/bash"), "The program asks for `/bin/bash`"),
        (at("/srv/server", ProgramForm.OTHER), "begin a script with `#!/bin/sh`"),
    ],
)
def test_fix(facts: ImageFacts, advice: str) -> None:
    assert advice in fix(RULE, facts)


def test_fix_without_a_shell() -> None:
    facts = at("/srv/mine")
    bare = replace(facts, passwd=replace(facts.passwd, content=b"nonroot:x:65532:65532::/:\n"))
    assert "COPY --chmod=0755 mine /srv/mine" in fix(RULE, bare)


def test_fix_never_writes_a_hostile_path_into_a_command() -> None:
    path = "/srv/x;reboot"
    facts = image({path: node("-rwx------", 1001)}, entry=entry_point(program(path, {path: node("-rwx------", 1001)})))
    assert "```" not in fix(RULE, facts)
