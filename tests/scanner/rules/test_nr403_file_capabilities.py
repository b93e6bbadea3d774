from __future__ import annotations

import struct

import pytest

from scanner.domain.files import EntryPoint, FileFacts, PrivilegedFile, Program, ProgramForm, Walk, WalkState
from scanner.rules.nr403_file_capabilities import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.demo.families import DEBIAN
from tests.support.facts import facts, privileged

NET_BIND = 1 << 10


def attribute(permitted: int = NET_BIND, inheritable: int = 0, *, effective: bool = True) -> bytes:
    words = (2 << 24 | effective, permitted & 0xFFFFFFFF, inheritable, permitted >> 32, 0)
    return struct.pack("<5I", *words)


def having(*files: PrivilegedFile, total: int | None = None) -> FileFacts:
    return FileFacts(privileged=files, privileged_total=len(files) if total is None else total)


def server(raw: bytes) -> FileFacts:
    return having(privileged("/usr/bin/server", capability=raw))


@pytest.mark.parametrize(
    "raw",
    [attribute(), attribute(effective=False), attribute(0, NET_BIND), attribute(1 << 40), b"\0", b"\2" * 99],
)
def test_violated(raw: bytes) -> None:
    assert answer(RULE, facts("9000", files=server(raw))) == "violated"


@pytest.mark.parametrize("raw", [b"", attribute(0)])
def test_ok(raw: bytes) -> None:
    assert answer(RULE, facts("9000", files=server(raw))) == "ok"


def test_ok_without_any() -> None:
    assert answer(RULE, facts("9000")) == "ok"


def test_unknown_where_nobody_looked() -> None:
    assert answer(RULE, facts("9000", files=None)) == "unknown"


def test_unknown_where_not_all_were_kept() -> None:
    assert answer(RULE, facts("9000", files=having(privileged("/bin/su", 0o4755), total=2))) == "unknown"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (attribute(), "cannot be executed at all under `drop: [ALL]`"),
        (b"\0", "cannot be executed anywhere, because the kernel cannot read the attribute"),
        (attribute(effective=False), "can be executed anywhere"),
        (attribute(0, NET_BIND), "can be executed anywhere"),
    ],
)
def test_says_whether_it_starts(raw: bytes, words: str) -> None:
    assert words in str(RULE.check(facts("9000", files=server(raw)), None).reason)


def test_says_when_it_is_the_command_itself() -> None:
    held = privileged("/usr/bin/server", capability=attribute())
    walk = Walk("/usr/bin/server", WalkState.FOUND, "/usr/bin/server", (), held.place)
    start = EntryPoint(("server",), ("/usr/bin",), (Program(walk, ProgramForm.ELF),))
    files = FileFacts(privileged=(held,), privileged_total=1, entry_point=start)
    assert "the command the image starts with" in str(RULE.check(facts("9000", files=files), None).reason)


def test_those_that_stop_come_first() -> None:
    files = having(
        privileged("/bin/a", capability=attribute(effective=False)), privileged("/bin/b", capability=attribute())
    )
    finding = RULE.check(facts("9000", files=files), None)
    assert [(found["path"], found["effect"]) for found in finding.evidence] == [
        ("/bin/b", "stops exec under drop ALL"),
        ("/bin/a", "does not stop exec"),
    ]


def test_shows_the_names() -> None:
    assert evidence(RULE, facts("9000", files=server(attribute())))["text"] == "cap_net_bind_service=ep"


def test_fix_copies_the_file_and_adds_what_it_needs() -> None:
    advice = fix(RULE, facts("9000", DEBIAN.passwd, files=server(attribute())))
    assert "RUN cp /usr/bin/server /usr/bin/server.plain && mv -f /usr/bin/server.plain /usr/bin/server\n" in advice
    assert "    add: [NET_BIND_SERVICE]" in advice
    assert "cap_add: [NET_BIND_SERVICE]" in advice


def test_fix_without_a_shell() -> None:
    assert "RUN" not in fix(RULE, facts("9000", None, files=server(attribute())))


def test_a_thousand_of_them_stay_readable() -> None:
    files = having(*(privileged(f"/bin/{at}", capability=attribute(2**41 - 1)) for at in range(1_000)))
    finding = RULE.check(facts("9000", DEBIAN.passwd, files=files), None)
    assert len(finding.evidence) == 20
    assert len(finding.fix) < 3_000
