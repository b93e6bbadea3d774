from __future__ import annotations

import time

import pytest

from scanner.domain.odd_lines import MOST_LINES, odd_group_lines, odd_passwd_lines
from tests.support.demo.families import ALPINE, DEBIAN, UBI
from tests.support.facts import APP

ROOT = "root:x:0:0:root:/root:/bin/sh\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1001:x:1001:1001::/:", "its name is a number: USER never finds it"),
        ("+5:x:1:1::/:", "a line for NIS: to the runtimes an entry with id 1"),
        ("99999999999999999999:x:0:0::/:", "its name is a number"),
        ("app:x: 1000:1000::/:", "its uid ' 1000' is no plain number: runtimes take it as 0"),
        ("app:x::1000::/:", "its uid '' is no plain number: runtimes take it as 0"),
        ("app:x:1000:users::/:", "its gid 'users' is no plain number"),
        ("app:x:+1000:1000::/:", "its uid '+1000' is no plain number: runtimes take it as 1000"),
        ("app:x:-1:1000::/:", "runtimes take it as 4294967295"),
        ("app:x:１０００:1::/:", "is no plain number: runtimes take it as 0"),
        ("app:x:4294967296:1::/:", "its uid 4294967296 is above 2147483647: runtimes make it 0"),
        ("app:x:1:2147483648::/:", "its gid 2147483648 is above 2147483647"),
        ("app:x:99999999999999999999:1::/:", "runtimes make it 4294967295"),
        ("root:x:5:5::/:", "the name is taken by a line above"),
        ("app", "1 fields instead of 7"),
        ("app:x:1:1::/", "6 fields instead of 7"),
        ("app:x:1:1::/:/bin/sh:", "8 fields instead of 7"),
        ("app:x:1:1::/:/bin/sh" + ":" * 9, "more than 8 fields instead of 7"),
        ("# users", "no comment here: an account with uid 0"),
        ("#app:x:1000:1000::/:", "no comment here: an account with uid 1000"),
        ("+::::::", "a line for NIS: to the runtimes an entry with id 0"),
        ("-@staff", "a line for NIS"),
        ("\ufeffapp:x:1:1::/:", "a byte order mark is part of its name"),
        ("x" * 70_000, "longer than the runtimes read"),
    ],
)
def test_passwd(line: str, problem: str) -> None:
    found = odd_passwd_lines(f"{ROOT}{line}\n".encode())
    assert (found.total, [each.line for each in found.shown]) == (1, [2])
    assert problem in found.shown[0].problem


@pytest.mark.parametrize("passwd", [DEBIAN.passwd, ALPINE.passwd, UBI.passwd, APP, APP[:-1], f"\n{APP}\n\n", ROOT * 0])
def test_ordinary_passwd(passwd: str) -> None:
    assert odd_passwd_lines(passwd.encode()).total == 0


@pytest.mark.parametrize(
    "line",
    ["app:x:1000000000:1::/:", "app:x:01000:1::/:", "0day:x:5:5::/:", " app:x:5:5::/:\r", "é:x:5:5::/:", ":x:5:5::/:"],
)
def test_lines_that_are_rare_and_in_order(line: str) -> None:
    assert odd_passwd_lines(f"{ROOT}{line}\n".encode()).total == 0


@pytest.mark.parametrize(("first", "second"), [("1000", "1000"), ("1000", "01000")])
def test_a_uid_twice(first: str, second: str) -> None:
    found = odd_passwd_lines(f"a:x:{first}:1::/:\nb:x:{second}:2::/:\n".encode())
    assert "the uid is taken by a line above" in found.shown[0].problem


def test_a_second_root_is_the_business_of_another_rule() -> None:
    assert odd_passwd_lines(f"{ROOT}toor:x:0:0::/:\n".encode()).total == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1001:x:0:", "its name is a number: runc 1.1 puts every process with gid 1001 into group 0"),
        ("wheel:x:ten:", "its gid 'ten' is no plain number: runtimes take it as 0"),
        ("root:x:1:", "the name is taken"),
        ("wheel:x:10", "3 fields instead of 4"),
        ("wheel:x:10:a:b", "5 fields instead of 4"),
        ("+:::", "a line for NIS"),
        ("wheel:x:4294967296:", "runtimes make it 0"),
        ("x" * 1_100_000, "longer than current runtimes read"),
    ],
)
def test_group(line: str, problem: str) -> None:
    found = odd_group_lines(f"root:x:0:\n{line}\n".encode())
    assert (found.total, [each.line for each in found.shown]) == (1, [2])
    assert problem in found.shown[0].problem


@pytest.mark.parametrize(
    "group", [DEBIAN.group, ALPINE.group, UBI.group, "# users\nroot:x:0:\n", "a:x:5:x,y\nb:x:5:\n\n", ""]
)
def test_ordinary_group(group: str) -> None:
    assert odd_group_lines(group.encode()).total == 0


def test_comments_and_nis_lines_can_go() -> None:
    found = odd_passwd_lines(b"# a\n+::::::\napp\n")
    assert [each.removable for each in found.shown] == [True, True, False]


def test_not_all_lines_of_a_hostile_file_are_kept_or_compared() -> None:
    found = odd_passwd_lines(b"a\n" * 3_000_000)
    assert (len(found.shown), found.total, found.complete) == (20, MOST_LINES, False)


@pytest.mark.parametrize(
    "data", [b":" * 5_000_000, b"a" * 9_000_000, b"a:b" * 3_000_000, b"\n" * 9_000_000, b"+:\n" * 10]
)
def test_hostile_files_take_bounded_time(data: bytes) -> None:
    started = time.thread_time()
    odd_passwd_lines(data)
    odd_group_lines(data)
    assert time.thread_time() - started < 2
