"""Whether a command is executed, in the words of runc."""

from __future__ import annotations

import pytest

from scanner.domain.capabilities import DOCKER_DEFAULT, NO_CAPABILITIES
from scanner.domain.files import EntryPoint, ProgramForm
from scanner.domain.permissions import Process
from scanner.whatif.programs import Powers, executed
from tests.support.facts import privileged
from tests.support.file_facts import House, command

NET_BIND = bytes.fromhex("0100000200040000000000000000000000000000")
HOUSE = House(
    {
        "/bin/": (0o755, 0, 0),
        "/bin/sh": (0o755, 0, 0),
        "/bin/closed": (0o750, 1001, 1001),
        "/bin/x-only": (0o711, 1001, 1001),
        "/bin/plain": (0o644, 1001, 1001),
        "/own/": (0o700, 1001, 1001),
        "/own/run": (0o755, 0, 0),
        "/opt/": (0o755, 0, 0),
        "/opt/closed": (0o755, 0, 0),
    }
)
SH = HOUSE.program("/bin/sh")
CLOSED = HOUSE.program("/bin/closed")
SCRIPT = ProgramForm.SCRIPT

CASES: list[tuple[EntryPoint, str | None]] = [
    (command(SH), None),
    (command(CLOSED), 'exec: "/bin/closed": permission denied'),
    (command(HOUSE.program("/own/run")), 'exec: "/own/run": stat /own/run: permission denied'),
    (command(HOUSE.program("/bin/none")), 'exec: "/bin/none": stat /bin/none: no such file or directory'),
    (command(HOUSE.program("/opt")), 'exec: "/opt": is a directory'),
    (command(CLOSED, argv=["closed"]), 'exec: "closed": executable file not found in $PATH'),
    (command(CLOSED, HOUSE.program("/opt/closed"), argv=["closed"]), None),
    (EntryPoint(("nosuch",), (), ()), 'exec: "nosuch": executable file not found in $PATH'),
    (command(HOUSE.program("/opt/closed", SCRIPT, SH)), None),
    (command(HOUSE.program("/opt/closed", SCRIPT, CLOSED)), "exec /opt/closed: permission denied"),
    (
        command(HOUSE.program("/opt/closed", SCRIPT, HOUSE.program("/bin/none"))),
        "exec /opt/closed: no such file or directory",
    ),
    (
        command(HOUSE.program("/bin/x-only", SCRIPT, SH)),
        "exec /bin/x-only: /bin/sh may not read /bin/x-only: permission denied",
    ),
    (command(HOUSE.program("/bin/x-only")), None),
    (command(HOUSE.program("/opt/closed", ProgramForm.OTHER)), "exec /opt/closed: exec format error"),
]


@pytest.mark.parametrize(("entry_point", "problem"), CASES)
def test_a_stranger_executes(entry_point: EntryPoint, problem: str | None) -> None:
    stranger = Process(3000, frozenset({0, 3000}))
    assert executed(entry_point, HOUSE.facts(), Powers(stranger, DOCKER_DEFAULT)).problem == problem


@pytest.mark.parametrize("uid", [0, 3000])
def test_capabilities_of_the_program_stop_it_root_or_not(uid: int) -> None:
    kept = HOUSE.facts(privileged=[privileged("/bin/sh", capability=NET_BIND)])
    process = Process(uid, frozenset({0}))
    script = command(HOUSE.program("/opt/closed", SCRIPT, SH))
    assert executed(script, kept, Powers(process, DOCKER_DEFAULT)).problem is None
    stopped = executed(script, kept, Powers(process, NO_CAPABILITIES)).problem
    assert stopped == "exec /opt/closed: operation not permitted"


def test_root_needs_an_execute_bit_too() -> None:
    root = Process(0, frozenset({0}), overrides=True)
    found = executed(command(HOUSE.program("/bin/plain")), HOUSE.facts(), Powers(root, DOCKER_DEFAULT))
    assert found.problem == 'exec: "/bin/plain": permission denied'


@pytest.mark.parametrize(
    ("form", "doubt"),
    [(ProgramForm.UNREAD, "first bytes"), (ProgramForm.SCRIPT, "interpreter"), (ProgramForm.ELF, "")],
)
def test_what_was_not_kept_is_a_doubt(form: ProgramForm, doubt: str) -> None:
    process = Process(3000, frozenset({0}))
    found = executed(command(HOUSE.program("/bin/sh", form)), HOUSE.facts(), Powers(process, DOCKER_DEFAULT))
    assert found.problem is None
    assert doubt in found.unknown
    assert bool(found.unknown) is bool(doubt)
