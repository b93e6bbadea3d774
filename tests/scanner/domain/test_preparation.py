from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import FileFacts, Walk, WalkState
from scanner.domain.preparation import obstacle
from scanner.domain.start import Start, StartedBy
from scanner.platforms.docker import docker_run, podman_run
from scanner.platforms.kubernetes import pod_security_restricted
from scanner.platforms.openshift import restricted_v2
from scanner.platforms.user_namespaces import user_namespace
from scanner.whatif import Outcome, what_if
from tests.support.facts import facts
from tests.support.file_facts import House, command

HOUSE = House({"/srv/": (0o755, 0, 0), "/srv/run": (0o755, 0, 0), "/srv/closed/": (0o700, 0, 0)})
WALKS = {path: HOUSE.walk(path) for path in ("/", "/srv", "/srv/run", "/srv/closed", "/new")} | {
    "/srv/run/x": Walk("/srv/run/x", WalkState.NOT_A_FOLDER, "/srv/run"),
    "/loop": Walk("/loop", WalkState.LINK_LOOP, "/loop"),
}
FILES = FileFacts(walks=WALKS, entry_point=command(HOUSE.program("/srv/run")))


def image(working_dir: str = "", volumes: Sequence[str] = (), files: FileFacts | None = FILES) -> ImageFacts:
    found = facts("1001:1001", entrypoint=["/srv/run"], working_dir=working_dir, files=files)
    return replace(found, config=replace(found.config, volumes=tuple(volumes)))


NEVER = [
    (image("app"), "Cwd must be an absolute path"),
    (image("/srv/run"), "Cannot mkdir: /srv/run is not a directory"),
    (image("/srv//./run"), "Cannot mkdir: /srv/run is not a directory"),
    (image("/srv/run/x"), "lstat /srv/run/x: not a directory"),
    (image("/loop"), "evalSymlinksInScope: too many links in /loop"),
    (image("", ["/srv/run"]), "cannot mount volume over existing file, file exists /srv/run"),
    (image("", ["/new", "/srv/run/x"]), "lstat /srv/run/x: not a directory"),
    (image("", ["/loop"]), "evalSymlinksInScope: too many links in /loop"),
]


@pytest.mark.parametrize(("found", "said"), NEVER)
def test_nothing_starts_where_no_folder_can_be(found: ImageFacts, said: str) -> None:
    unprepared = obstacle(found)
    assert unprepared is not None
    assert unprepared.said == said


@pytest.mark.parametrize("found", [found for found, _ in NEVER])
def test_no_platform_admits_it(found: ImageFacts) -> None:
    asked = (docker_run, podman_run, pod_security_restricted, restricted_v2, user_namespace)
    assert {ask(found).answer for ask in asked} == {"refuse"}


@pytest.mark.parametrize("by", list(StartedBy))
@pytest.mark.parametrize("found", [found for found, _ in NEVER])
def test_it_is_stopped_whoever_starts_it(found: ImageFacts, by: StartedBy) -> None:
    assert what_if(found, Start(by, user="3000", run_as_user=3000)).outcome is Outcome.STOPPED


@pytest.mark.parametrize(
    "found",
    [
        image(),
        image("/srv"),
        image("/srv/closed"),
        image("/new"),
        image("", ["/new", "/srv"]),
        image("/srv/run", files=None),
    ],
)
def test_folders_that_are_there_or_can_be_made(found: ImageFacts) -> None:
    assert obstacle(found) is None
