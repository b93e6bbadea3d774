from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import Node, Place, PrivilegedFile
from scanner.platforms.openshift import restricted_v2, restricted_v3
from tests.support.facts import account_file
from tests.support.files import entry_point, image, node, program

GOOD = {
    "/srv/app": node("drwxrwxr-x", 1001, 0),
    "/srv/run": node("-rwxr-xr-x"),
    "/srv/mine": node("-rwx------", 1001, 1001),
    "/data": node("drwxr-xr-x"),
}


def running(
    path: str = "/srv/run", *, home: str = "/srv/app", work: str = "/srv/app", volumes: Sequence[str] = ()
) -> ImageFacts:
    entry = entry_point(program(path, GOOD))
    return image(GOOD, home=home, working_dir=work, volumes=volumes, entry=entry)


def test_a_prepared_image() -> None:
    found = restricted_v2(running())
    assert found.answer == "admit"
    assert found.message == (
        "restricted-v2: it starts as uid 1000650000, gid 0, whatever USER says, and may write HOME, WORKDIR and volumes"
    )


def test_the_range_of_the_namespace() -> None:
    assert "uid 1000770000, gid 0" in restricted_v2(running(), 1_000_770_000).message


@pytest.mark.parametrize("user", ["", "0", "root", "nosuch", "1001:nosuch", "99999999999"])
def test_user_does_not_count(user: str) -> None:
    facts = running()
    assert restricted_v2(replace(facts, config=replace(facts.config, user=user))).answer == "admit"


def test_the_gid_is_that_of_an_account_with_the_uid() -> None:
    facts = replace(running(), passwd=account_file("/etc/passwd", "app:x:1000650000:7::/:\n"))
    assert "uid 1000650000, gid 7" in restricted_v2(facts).message


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (running(home="/root"), "HOME /root does not exist"),
        (running(home="/data"), "HOME /data cannot be written"),
        (running(work="/data"), "WORKDIR /data cannot be written"),
        (running(work="/none"), "WORKDIR /none does not exist"),
        (running(volumes=["/data"]), "the volume /data cannot be written"),
    ],
)
def test_what_breaks_although_it_starts(facts: ImageFacts, said: str) -> None:
    found = restricted_v2(facts)
    assert found.answer == "admit"
    assert said in found.message


def test_a_folder_that_is_both_is_named_once() -> None:
    assert "but HOME and WORKDIR /data cannot be written" in restricted_v2(running(home="/data", work="/data")).message


def test_a_missing_volume_is_made_for_the_process() -> None:
    assert "but" not in restricted_v2(running(volumes=["/new"])).message


def test_without_home_workdir_takes_its_place() -> None:
    facts = running()
    assert "may write HOME" in restricted_v2(replace(facts, config=replace(facts.config, env=()))).message


def test_many_problems_are_counted() -> None:
    volumes = [f"/root/{at}" for at in range(5)]
    facts = image({**GOOD, "/root": node("drwx------")}, volumes=volumes, entry=entry_point(program("/srv/run", GOOD)))
    assert " and 3 more" in restricted_v2(facts).message


def test_the_command_must_be_executable() -> None:
    found = restricted_v2(running("/srv/mine"))
    assert (found.answer, found.message) == ("refuse", 'exec: "/srv/mine": permission denied')


def test_an_effective_capability_stops_it() -> None:
    facts = running()
    place = program("/srv/run", GOOD).walk.place
    assert facts.files is not None
    assert place is not None
    raw = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
    files = replace(facts.files, privileged=(PrivilegedFile(place, raw),), privileged_total=1)
    found = restricted_v2(replace(facts, files=files))
    assert (found.answer, found.message) == ("refuse", "exec /srv/run: operation not permitted")


def test_unknown_before_files_were_read() -> None:
    found = restricted_v2(replace(running(), files=None))
    assert found.answer == "unknown"
    assert "the next scan reads the image again" in found.message


def test_v3_takes_the_first_uid_of_the_constraint() -> None:
    found = restricted_v3(running())
    assert found.answer == "admit"
    assert "for pods with hostUsers: false only: it starts as uid 1000, gid 0" in found.message


def test_v3_may_meet_an_account() -> None:
    facts = replace(running(), passwd=account_file("/etc/passwd", "app:x:1000:1000::/:\n"))
    found = restricted_v3(facts)
    assert "uid 1000, gid 1000" in found.message
    assert "HOME and WORKDIR /srv/app cannot be written" in found.message


@pytest.mark.parametrize(("uid", "said"), [(65_535, False), (65_536, True)])
def test_v3_names_an_owner_no_id_of_the_pod_is(uid: int, said: bool) -> None:
    facts = running()
    assert facts.files is not None
    owner = Place("/srv/x", Node(node("-rw-r--r--").kind, 0o644, uid, 0))
    found = restricted_v3(replace(facts, files=replace(facts.files, highest_uid=owner)))
    assert (f"/srv/x belongs to {uid}:0, which no id of the pod is" in found.message) is said


def test_windows() -> None:
    facts = running()
    windows = replace(facts, config=replace(facts.config, platform=replace(facts.config.platform, os="windows")))
    assert {restricted_v2(windows).answer, restricted_v3(windows).answer} == {"unknown"}
