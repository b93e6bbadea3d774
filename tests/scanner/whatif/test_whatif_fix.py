"""What to change so that a start works."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import Node, NodeKind, Place
from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.whatif import what_if
from scanner.whatif.fix import fix_of
from tests.support.facts import APP, APP_GROUP, facts, privileged
from tests.support.file_facts import House, Paths, command

HOUSE: Paths = {
    "/home/": (0o755, 0, 0),
    "/home/app/": (0o755, 1001, 1001),
    "/app/": (0o750, 1001, 1001),
    "/app/server": (0o700, 1001, 1001),
}


def shop(user: str = "1001:1001", paths: Paths = HOUSE) -> ImageFacts:
    """WORKDIR, HOME and program belong to uid 1001."""
    house = House(paths)
    files = house.facts("/app", "/home/app", trees=[house.tree("/app")])
    found = facts(user, APP, APP_GROUP, working_dir="/app", files=files)
    return replace(found, config=replace(found.config, cmd=None, entrypoint=None))


def fix(found: ImageFacts, start: Start) -> str:
    """What to change."""
    return fix_of(found, what_if(found, start))


def test_nothing_to_change() -> None:
    assert fix(shop(), Start(user="1001:1001")) == ""
    assert fix(shop(), Start()) == ""


def test_group_0_gets_the_folders() -> None:
    said = fix(shop("1001:0"), Start(user="3000:0"))
    assert "RUN chgrp -R 0 /app && chmod -R g=u /app" in said
    assert "this works for any uid" in said


def test_a_fixed_uid_gets_them_by_chown() -> None:
    said = fix(shop(), Start(user="3000:3000"))
    assert "RUN chown -R 3000:3000 /app" in said
    assert "`-u 3000:0`" in said


def test_a_home_that_went_away_is_named() -> None:
    said = fix(shop(), Start(user="3000:0"))
    assert "ENV HOME=/home/app" in said
    assert "value: /tmp" in said


@pytest.mark.parametrize(
    ("user", "start", "said"),
    [
        ("0", Start(StartedBy.KUBERNETES, run_as_non_root=True), "runAsUser: 1001"),
        ("app", Start(StartedBy.KUBERNETES, run_as_non_root=True), "The image's own user is uid 1001, gid 1001"),
        ("app", Start(StartedBy.KUBERNETES, run_as_user=2**31), "ids from 0 to 2147483647 only"),
        ("nobody-knows", Start(), "USER 1001:1001"),
        ("app", Start(user="nobody-knows"), 'user: "1001:1001"'),
        ("app", Start(StartedBy.CRIO, run_as_user=5, openshift_range=(1_000, 1_999)), "Leave `runAsUser`"),
    ],
)
def test_what_does_not_start_gets_numbers(user: str, start: Start, said: str) -> None:
    assert said in fix(shop(user), start)


def test_an_owner_outside_the_namespace_is_named() -> None:
    found = shop()
    assert found.files is not None
    place = Place("/opt/far", Node(NodeKind.FILE, 0o644, 200_000, 5), 0)
    far = replace(found, files=replace(found.files, highest_uid=place))
    said = fix(far, Start(user_namespace=UserNamespace(100_000)))
    assert "`/opt/far` belongs to 200000:5" in said
    assert "at least 200,001 ids" in said


def test_a_program_nobody_may_execute() -> None:
    house = House(HOUSE)
    files = house.facts("/app", command=command(house.program("/app/server")))
    found = facts("1001:1001", APP, APP_GROUP, working_dir="/app", files=files)
    said = fix(found, Start(user="3000:3000"))
    assert "`/app/server`" in said
    assert "chmod a+rx /app/server" in said


def test_programs_that_carry_capabilities() -> None:
    net_bind = bytes.fromhex("0100000200040000000400000000000000000000")
    house = House({"/usr/": (0o755, 0, 0), "/usr/ping": (0o755, 0, 0)})
    files = house.facts(privileged=[privileged("/usr/ping", capability=net_bind)])
    said = fix(facts("1001:1001", files=files), Start(drop_capabilities=True))
    assert "RUN setcap -r /usr/ping" in said


def test_hostile_paths_stay_out_of_code() -> None:
    evil = "/app/$(rm -rf)`;\n"
    house = House({"/app/": (0o755, 0, 0), f"{evil}/": (0o700, 1001, 1001)})
    files = house.facts(evil, trees=[house.tree(evil)])
    said = fix(facts("1001:1001", working_dir=evil, files=files), Start(user="3000:0"))
    blocks = said.split("```")[1::2]
    assert said
    assert not any("$(" in block for block in blocks)


def test_windows_has_nothing_to_change() -> None:
    found = shop()
    platform = replace(found.config.platform, os="windows")
    assert fix(replace(found, config=replace(found.config, platform=platform)), Start(user="5")) == ""
