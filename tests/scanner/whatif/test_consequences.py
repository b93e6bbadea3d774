"""What works no more under a start: hand-made trees, and what the kernel says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import FileFacts, NodeKind, ProgramForm
from scanner.domain.permissions import Access
from scanner.domain.start import Start, StartedBy
from scanner.whatif import Outcome, WhatIf, what_if
from scanner.whatif.answer import PathUse, Role
from tests.support.facts import facts, privileged
from tests.support.file_facts import House, command

R, W, X = Access.READ, Access.WRITE, Access.EXECUTE
NOTHING, ALL = Access(0), R | W | X
K8S, CRIO = StartedBy.KUBERNETES, StartedBy.CRIO
NET_BIND = bytes.fromhex("0100000200040000000000000000000000000000")

HOUSE = House(
    {
        "/tmp/": (0o1777, 0, 0),
        "/var/": (0o755, 0, 0),
        "/var/tmp/": (0o1777, 0, 0),
        "/home/": (0o755, 0, 0),
        "/home/app/": (0o700, 1001, 1001),
        "/srv/": (0o755, 0, 0),
        "/srv/own/": (0o755, 1001, 1001),
        "/srv/own/log": (0o644, 1001, 1001),
        "/srv/own/key": (0o600, 1001, 1001),
        "/srv/own/in/": (0o755, 1001, 1001),
        "/srv/shared/": (0o775, 1001, 0),
        "/srv/shared/db": (0o664, 1001, 0),
        "/srv/odd/": (0o707, 1001, 0),
        "/srv/run": (0o755, 0, 0),
        "/srv/mine": (0o700, 1001, 1001),
    }
)


def image(
    files: FileFacts | None, *, user: str = "app", working_dir: str = "", volumes: tuple[str, ...] = ()
) -> ImageFacts:
    """An image that has a command where its facts have one."""
    found = facts(user, files=files, working_dir=working_dir)
    cmd = found.config.cmd if files is None or files.entry_point is not None else None
    return replace(found, config=replace(found.config, volumes=volumes, cmd=cmd))


def at_working_dir(path: str, start: Start, *, user: str = "app") -> PathUse:
    found = what_if(image(HOUSE.facts("/home/app", path), user=user, working_dir=path), start)
    return use_of(found, Role.WORKING_DIR)


def use_of(found: WhatIf, role: Role) -> PathUse:
    assert found.consequences is not None
    return next(use for use in found.consequences.paths if use.role is role)


WORKING_DIR_CASES = [
    ("/srv/own", "app", Start(), ALL, NOTHING),
    ("/srv/own", "app", Start(user="3000:3000"), R | X, W),
    ("/srv/own", "app", Start(user="3000:1001"), R | X, W),
    ("/srv/own", "app", Start(user="0"), ALL, NOTHING),
    ("/srv/own", "app", Start(user="0", drop_capabilities=True), R | X, W),
    ("/srv/shared", "app", Start(user="3000:0"), ALL, NOTHING),
    ("/srv/shared", "app", Start(user="3000:3000"), R | X, W),
    ("/srv/shared", "app", Start(K8S, run_as_user=3000), ALL, NOTHING),
    ("/srv/shared", "app", Start(K8S, run_as_user=3000, run_as_group=3000), R | X, W),
    ("/srv/odd", "app", Start(user="3000:0"), NOTHING, ALL),
    ("/srv/odd", "app", Start(user="3000:3000"), ALL, NOTHING),
    ("/", "app", Start(user="3000:0"), R | X, NOTHING),
    ("/", "0", Start(user="3000:0"), R | X, W),
    ("/missing", "app", Start(user="3000:0"), R | X, NOTHING),
    ("/missing", "0", Start(user="3000:0"), R | X, W),
]


@pytest.mark.parametrize(("path", "user", "start", "now", "lost"), WORKING_DIR_CASES)
def test_a_working_dir(path: str, user: str, start: Start, now: Access, lost: Access) -> None:
    use = at_working_dir(path, start, user=user)
    assert (use.now, use.lost) == (now, lost)


def test_the_place_that_refuses_is_named() -> None:
    use = at_working_dir("/home/app", Start(user="3000:0"))
    refused = use.refusals[R]
    assert refused.place is not None
    assert (refused.path, refused.place.node.mode, refused.place.node.uid) == ("/home/app", 0o700, 1001)


CLOSED = House({"/srv/": (0o750, 1001, 1001), "/srv/data/": (0o777, 0, 0)})


def test_a_folder_on_the_way_is_named() -> None:
    found = what_if(image(CLOSED.facts("/home/app", "/srv/data"), volumes=("/srv/data",)), Start(user="3000:0"))
    assert use_of(found, Role.VOLUME).refusals[W].path == "/srv"


def test_a_process_starts_in_its_working_dir_whatever_stands_on_the_way() -> None:
    found = what_if(image(CLOSED.facts("/home/app", "/srv/data"), working_dir="/srv/data"), Start(user="3000:0"))
    assert use_of(found, Role.WORKING_DIR).now == ALL


def test_a_relative_working_dir_stops_every_start() -> None:
    found = what_if(image(HOUSE.facts("/home/app", "srv/own"), working_dir="srv/own"), Start())
    assert (found.start_error, found.outcome) == ("Cwd must be an absolute path", Outcome.STOPPED)


def test_a_missing_home_is_there_where_the_working_dir_is_made() -> None:
    for home in ("/made/here", "/made"):
        found = facts(files=HOUSE.facts(home, "/made/here"), working_dir="/made/here", env=(f"HOME={home}",))
        assert use_of(what_if(replace(found, config=replace(found.config, cmd=None)), Start()), Role.HOME).now == R | X


def test_home_moves_with_the_identity() -> None:
    found = what_if(image(HOUSE.facts("/home/app")), Start(user="3000:0"))
    use = use_of(found, Role.HOME)
    assert (use.path, use.before_path, use.lost) == ("/", "/home/app", W)


VOLUME_CASES = [
    ("/data", Start(user="3000:0"), R | X),
    ("/data", Start(K8S, run_as_user=3000), R | X),
    ("/data", Start(CRIO, run_as_user=3000), ALL),
    ("/data", Start(K8S, run_as_user=3000, fs_group=2000), ALL),
    ("/srv/own", Start(CRIO, run_as_user=3000), R | X),
    ("/srv/own", Start(K8S, run_as_user=3000, fs_group=2000), ALL),
]


@pytest.mark.parametrize(("path", "start", "now"), VOLUME_CASES)
def test_a_volume(path: str, start: Start, now: Access) -> None:
    found = what_if(image(HOUSE.facts("/home/app", path), volumes=(path,)), start)
    assert use_of(found, Role.VOLUME).now == now
    assert found.consequences is not None
    assert "VOLUME" in found.consequences.assumptions[0]


def losses(start: Start, *, complete: bool = True, volumes: tuple[str, ...] = ()) -> list[tuple[NodeKind, Access, int]]:
    tree = HOUSE.tree("/srv/own", complete=complete)
    found = what_if(image(HOUSE.facts("/home/app", "/srv/own", trees=[tree]), volumes=volumes), start)
    assert found.consequences is not None
    assert {loss.complete for loss in found.consequences.trees} <= {complete}
    return [(loss.kind, loss.access, loss.count) for loss in found.consequences.trees]


FILE, FOLDER = NodeKind.FILE, NodeKind.FOLDER


def test_files_below_a_folder_are_counted() -> None:
    assert losses(Start(user="3000:0")) == [(FILE, R, 1), (FILE, W, 2), (FOLDER, W, 1)]
    assert losses(Start(user="1001:0"), complete=False) == []
    assert losses(Start(user="3000:0"), complete=False) == [(FILE, R, 1), (FILE, W, 2), (FOLDER, W, 1)]


def test_a_mounted_volume_hides_what_the_image_has_there() -> None:
    start = Start(K8S, run_as_user=3000, fs_group=2000)
    assert losses(start, volumes=("/srv/own",)) == []
    assert losses(start, volumes=("/srv/other",)) != []


def test_a_tree_behind_a_closed_folder_is_lost_whole() -> None:
    house = House({"/a/": (0o700, 1001, 1), "/a/b/": (0o777, 0, 0), "/a/b/c": (0o777, 0, 0)})
    kept = house.facts("/home/app", "/a/b", trees=[house.tree("/a/b")])
    found = what_if(image(kept), Start(user="3000:0"))
    assert found.consequences is not None
    assert [(loss.access, loss.count) for loss in found.consequences.trees] == [(R, 1), (W, 1), (X, 1)]


def test_a_tree_whose_way_nobody_walked_is_unknown() -> None:
    house = House({"/a/": (0o700, 1001, 1), "/a/b/": (0o777, 0, 0)})
    found = what_if(image(house.facts("/home/app", trees=[house.tree("/a/b")])), Start())
    assert found.consequences is not None
    assert found.consequences.unknown == ("The folders above /a/b were not looked at.",)
    assert found.outcome is Outcome.UNKNOWN


def test_no_facts_about_files_are_unknown() -> None:
    found = what_if(image(None), Start(user="3000:0"))
    assert found.consequences is not None
    assert "release that did not look at files" in found.consequences.unknown[0]
    assert found.outcome is Outcome.UNKNOWN


def test_a_path_nobody_walked_is_unknown() -> None:
    found = what_if(image(HOUSE.facts("/home/app"), working_dir="/elsewhere"), Start())
    assert found.consequences is not None
    assert found.consequences.unknown == ("What stands at /elsewhere was not looked at.",)


OUTCOME_CASES = [
    (Start(), Outcome.FINE),
    (Start(user="1001:0"), Outcome.FINE),
    (Start(user="3000:0"), Outcome.BREAKS),
    (Start(user="nosuch"), Outcome.STOPPED),
    (Start(K8S, run_as_user=0, run_as_non_root=True), Outcome.STOPPED),
]


@pytest.mark.parametrize(("start", "expected"), OUTCOME_CASES)
def test_outcomes(start: Start, expected: Outcome) -> None:
    kept = HOUSE.facts("/home/app", "/srv/own", command=command(HOUSE.program("/srv/run")))
    found = what_if(image(kept, working_dir="/srv/own"), start)
    assert found.outcome is expected
    assert (found.consequences is None) is (found.started.identity is None)


def test_privileged_programs_that_were_not_kept_may_stop() -> None:
    kept = replace(HOUSE.facts("/home/app"), privileged_total=1)
    assert what_if(image(kept), Start(drop_capabilities=True)).outcome is Outcome.UNKNOWN
    assert what_if(image(kept), Start()).outcome is Outcome.FINE


def test_a_command_that_cannot_be_executed_stops_the_start() -> None:
    kept = HOUSE.facts("/home/app", command=command(HOUSE.program("/srv/mine")))
    for user, error in (("1001", None), ("3000:0", 'exec: "/srv/mine": permission denied')):
        found = what_if(image(kept), Start(user=user))
        assert (found.start_error, found.outcome) == (error, Outcome.STOPPED if error else Outcome.FINE)
        assert found.consequences is not None
        assert found.consequences.program is not None
        assert found.consequences.program.before is None


def test_podman_and_crio_give_fewer_capabilities_to_begin_with() -> None:
    net_raw = bytes.fromhex("0100000200200000000000000000000000000000")
    kept = HOUSE.facts("/home/app", command=command(HOUSE.program("/srv/run")))
    kept = replace(kept, privileged=(privileged("/srv/run", capability=net_raw),), privileged_total=1)
    errors = {by: what_if(image(kept), Start(by)).start_error for by in StartedBy}
    stopped = "exec /srv/run: operation not permitted"
    assert errors == {StartedBy.DOCKER: None, K8S: None, CRIO: stopped, StartedBy.PODMAN: stopped}


SETUID_CASES = [
    (0o4755, Start(user="3000:0"), ALL, 1001),
    (0o4755, Start(user="3000:0", no_new_privileges=True), R | X, None),
    (0o755, Start(user="3000:0"), R | X, None),
]


@pytest.mark.parametrize(("mode", "start", "now", "acts_as"), SETUID_CASES)
def test_a_command_with_setuid_acts_as_its_owner(mode: int, start: Start, now: Access, acts_as: int | None) -> None:
    house = House({"/srv/": (0o755, 1001, 1001), "/srv/run": (mode, 1001, 1001)})
    kept = house.facts("/home/app", "/srv", command=command(house.program("/srv/run")))
    found = what_if(image(kept, working_dir="/srv"), start)
    assert use_of(found, Role.WORKING_DIR).now == now
    assert found.consequences is not None
    said = () if acts_as is None else (f"The command is a setuid program and acts as uid {acts_as}.",)
    assert found.consequences.assumptions == said


def test_a_script_is_never_setuid_and_setgid_needs_the_execute_bit_of_the_group() -> None:
    for mode, form, now in (
        (0o6755, ProgramForm.SCRIPT, R | X),
        (0o2755, ProgramForm.ELF, ALL),
        (0o2745, ProgramForm.ELF, R | X),
    ):
        house = House(
            {"/bin/": (0o755, 0, 0), "/bin/sh": (0o755, 0, 0), "/srv/": (0o775, 0, 7), "/srv/run": (mode, 0, 7)}
        )
        interpreter = house.program("/bin/sh") if form is ProgramForm.SCRIPT else None
        kept = house.facts("/home/app", "/srv", command=command(house.program("/srv/run", form, interpreter)))
        assert use_of(what_if(image(kept, working_dir="/srv"), Start(user="3000:0")), Role.WORKING_DIR).now == now


def test_a_windows_image_has_no_uids() -> None:
    made = image(HOUSE.facts())
    windows = replace(made, config=replace(made.config, platform=replace(made.config.platform, os="windows")))
    found = what_if(windows, Start(user="nosuch"))
    assert (found.outcome, found.start_error, found.consequences) == (Outcome.UNKNOWN, None, None)
    assert "no uids" in found.not_applicable


def test_setuid_is_inert_without_new_privileges() -> None:
    kept = HOUSE.facts("/home/app", privileged=[privileged("/bin/su", 0o4755), privileged("/bin/x", 0o755)])
    for start, inert in ((Start(no_new_privileges=True), ("/bin/su",)), (Start(), ())):
        found = what_if(image(kept), start)
        assert found.consequences is not None
        assert found.consequences.privileges.inert == inert
        assert found.outcome is Outcome.FINE


def test_capabilities_stop_programs_once_they_are_dropped() -> None:
    kept = HOUSE.facts("/home/app", privileged=[privileged("/bin/ping", capability=NET_BIND)])
    for start, stopped in ((Start(drop_capabilities=True), ("/bin/ping",)), (Start(no_new_privileges=True), ())):
        found = what_if(image(kept), start)
        assert found.consequences is not None
        assert found.consequences.privileges.stopped == stopped
        assert found.outcome is (Outcome.BREAKS if stopped else Outcome.FINE)
