"""What Docker does to ``/etc`` before it starts a container; tests/oracle asks a real engine the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scanner.domain.facts import AccountFile, ReadState
from scanner.domain.identity import Identity, Runtime, StartError
from scanner.domain.resolution import as_docker_starts_it, resolve_facts
from tests.support.facts import APP, account_file, facts

DOCKERS = (Runtime.DOCKER, Runtime.DOCKER_LEGACY)
LINKED_FOLDER = {"links": ("/etc -> usr/etc",), "resolved": "/usr/etc/passwd"}
LINKED_FILE = {"links": ("/etc/passwd -> ../usr/etc/passwd",), "resolved": "/usr/etc/passwd"}
MADE_ANEW = {"links": ("/etc/passwd -> hosts",), "resolved": "/etc/hosts"}


def _linked(how: Mapping[str, object]) -> AccountFile:
    return replace(account_file("/etc/passwd", APP), **how)  # type: ignore[arg-type]  # fields by name, from the table


@pytest.mark.parametrize("how", [LINKED_FOLDER, MADE_ANEW])
@pytest.mark.parametrize("runtime", DOCKERS)
def test_docker_finds_no_accounts(how: Mapping[str, object], runtime: Runtime) -> None:
    image = replace(facts(), passwd=_linked(how))

    answer = resolve_facts(runtime, image).answer

    assert answer == StartError("unable to find user app: no matching entries in passwd file")


@pytest.mark.parametrize("runtime", DOCKERS)
def test_a_linked_file_is_followed(runtime: Runtime) -> None:
    answer = resolve_facts(runtime, replace(facts(), passwd=_linked(LINKED_FILE))).answer

    assert isinstance(answer, Identity)
    assert answer.uid == 1001


@pytest.mark.parametrize("runtime", [runtime for runtime in Runtime if runtime not in DOCKERS])
def test_the_others_read_the_image_as_it_is(runtime: Runtime) -> None:
    image = replace(facts(), passwd=_linked(LINKED_FOLDER))

    answer = resolve_facts(runtime, image).answer

    assert isinstance(answer, Identity)
    assert answer.uid == 1001


def test_what_docker_leaves_alone_stays_the_same() -> None:
    image = facts()

    assert as_docker_starts_it(image) == image
    assert as_docker_starts_it(replace(image, passwd=_linked(LINKED_FOLDER))).passwd.state is ReadState.MISSING


@pytest.mark.parametrize(("mode", "home"), [(0o644, "/work"), (0o664, "/"), (None, "/work")])
def test_cri_o_looks_at_the_mode_of_the_file(mode: int | None, home: str) -> None:
    image = facts("9999", working_dir="/work")

    answer = resolve_facts(Runtime.CRIO, replace(image, passwd=replace(image.passwd, mode=mode))).answer

    assert isinstance(answer, Identity)
    assert answer.home == home


def test_podman_takes_the_working_folder() -> None:
    answer = resolve_facts(Runtime.PODMAN, facts("9999", working_dir="/work")).answer

    assert isinstance(answer, Identity)
    assert answer.home == "/work"
