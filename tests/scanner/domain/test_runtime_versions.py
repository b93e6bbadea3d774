from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.domain.runtime_versions import VersionNote, version_notes
from tests.support.facts import APP, P0, P0_GROUP, facts

MOBY = "moby/sys user"
HUGE = "99999999999999999999"
HUGE_ROOT = f"root:x:0:0:::\n{HUGE}:x:0:0:::\n"
BIG_ROOT = "root:x:0:0:::\n2147483648:x:0:0:::\n"


def told(user: str, passwd: str = P0, group: str = P0_GROUP) -> list[tuple[str, int | None]]:
    return [(note.component, note.uid) for note in version_notes(facts(user, passwd, group))]


@pytest.mark.parametrize(
    ("user", "passwd", "wanted"),
    [
        ("4294967296", P0, [("containerd", 0), ("kubelet", None)]),
        ("2147483648", P0, [("containerd", 2147483648), ("kubelet", None)]),
        ("-1", P0, [("containerd", 4294967295), ("kubelet", None)]),
        (HUGE, P0, []),
        (HUGE, HUGE_ROOT, [(MOBY, 0), ("containerd", 0)]),
        ("2147483648", BIG_ROOT, [("containerd", 2147483648), ("containerd", 0), ("kubelet", None)]),
        ("02147483648", BIG_ROOT, [("containerd", 2147483648), ("containerd", 0), ("kubelet", None)]),
        ("-1", "-1:x:0:0:::\n", [("containerd", 4294967295), ("containerd", 0), ("kubelet", None)]),
        (
            "2147483648",
            "big:x:2147483648:7:::\n",
            [(MOBY, 2147483648), ("containerd", 2147483648), ("kubelet", None)],
        ),
        ("1000:4294967296", P0, [("containerd", None)]),
    ],
)
def test_notes(user: str, passwd: str, wanted: list[tuple[str, int | None]]) -> None:
    assert told(user, passwd) == wanted


def test_a_group_may_have_the_number_for_its_name() -> None:
    notes = version_notes(facts("app:-1", group="-1:x:0:\n"))
    assert [note.there for note in notes] == [
        "cuts the number to 32 bits: gid 4294967295",
        "takes the number for the name of a group, which line 1 of /etc/group makes gid 0",
    ]


@pytest.mark.parametrize("user", ["", "0", "root", "app", "1000", "1000:1000", "9999:9999", "nosuch", "2147483647"])
def test_an_ordinary_image_has_none(user: str) -> None:
    assert told(user) == []


def test_old_runc_adds_a_group() -> None:
    notes = version_notes(facts("1001:1001", APP, "1001:x:0:\n"))
    assert [note.sentence for note in notes] == [
        "runc (1.1 and older) adds gid 0, because a group of /etc/group has a gid of this process for its name"
    ]


def by_cve(user: str, passwd: str) -> dict[str, VersionNote]:
    return {note.source.title.split()[0]: note for note in version_notes(facts(user, passwd))}


def test_the_versions_of_the_two_vulnerabilities() -> None:
    notes = by_cve("2147483648", BIG_ROOT)
    assert notes["CVE-2024-40635"].versions == "before 1.6.38, 1.7.27 and 2.0.4"
    assert notes["CVE-2026-46680"].versions == "1.7.27 to 1.7.31, 2.0.4 to 2.0.8, 2.1, 2.2.0 to 2.2.3 and 2.3.0"
    assert notes["CVE-2026-46680"].is_root
    assert by_cve(HUGE, HUGE_ROOT)["CVE-2026-46680"].versions == "before 1.7.32, 2.0.9, 2.2.4 and 2.3.1"


def test_a_note_says_what_happens_there_and_since() -> None:
    note = version_notes(facts(HUGE, HUGE_ROOT))[0]
    assert note.sentence.endswith("CRI-O 1.36.3, Podman 5.8.2) starts it as 0:0")
    assert note.fixed == "refuses to start it"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE, ReadState.NOT_REGULAR])
def test_files_that_cannot_be_read_give_no_name(state: ReadState) -> None:
    notes = version_notes(facts("2147483648", "2147483648:x:0:0:::\n", passwd_state=state))
    assert [note.uid for note in notes] == [2147483648, None]
