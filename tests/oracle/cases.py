"""USER strings and account files, for a real engine and for us: crafted ones first, then seeded random ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

SEED = 20161201


@dataclass(frozen=True, slots=True)
class Fixture:
    """The account files of one image; ``None`` is a missing file."""

    passwd: str | None
    group: str | None


@dataclass(frozen=True, slots=True)
class Case:
    user: str
    fixture: Fixture


PASSWD = """\
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
app:x:1000:1000:App:/home/app:/bin/sh
web:x:1001:33::/var/www:/bin/sh
4242:x:555:555::/n:/bin/sh
"""
GROUP = """\
root:x:0:
wheel:x:10:root,app
docker:x:998:app,web
app:x:1000:
www:x:33:
777:x:7:
adm:x:4:0,1000
"""
PLAIN = Fixture(PASSWD, GROUP)

SPELLINGS = (
    "", "root", "0", "00", "+0", "-0", "-1", "app", "1000", "01000", "+1000", "app:app", "app:1000", "app:0",
    "app:root", "app:www", "app:33", "app:", "root:", "0:0", "0:", "1000:", "1000:1000", "1000:app", "1000:root",
    "1000:0", ":", ":1000", ":app", ":nosuch", "web", "1001", "9999", "9999:", "9999:9999", "9999:www", "nosuch",
    "nosuch:0", "app:nosuch", "4242", "555", "app:777", "app:7", "1000:1000:1000", "app:app:x", " app", "app ",
    "1000 ", "0x3e8", "1e3", "1_000", "APP", "2147483647", "2147483648", "4294967295", "4294967296",
    "9223372036854775807", "9223372036854775808", "99999999999999999999", "-99999999999999999999", "1000:2147483648",
    "1000:4294967296", "1000:-1", "1000:99999999999999999999", "１０００", "app\n", "65534", "nobody", "root:app:",
    "::", "+1000:+33", ":33", "#app",
)  # fmt: skip


def _app(uid: str, gid: str = "1000", home: str = "/home/app") -> str:
    return f"root:x:0:0:root:/root:/bin/sh\napp:x:{uid}:{gid}:App:{home}:/bin/sh\n"


# passwd, group, and the USER strings that show what is odd about them.
CRAFTED: tuple[tuple[str | None, str | None, tuple[str, ...]], ...] = (
    (None, None, ("", "0", "root", "app", "1000", "1000:1000", "1000:app")),
    ("", "", ("", "1000", "root", "0:root")),
    (None, GROUP, ("1000", "1000:app", "app")),
    (PASSWD, None, ("app", "app:app", "app:5")),
    ("app:x:1000:1000::/a:\napp:x:0:0::/b:\n", GROUP, ("app", "1000", "0")),
    ("app:x:0:0::/a:\napp:x:1000:1000::/b:\n", GROUP, ("app", "1000", "0")),
    ("one:x:1000:5::/one:\ntwo:x:1000:6::/two:\n", "one:x:9:one\ntwo:x:8:two\n", ("1000", "one", "two")),
    (_app("abc"), GROUP, ("app", "0", "")),
    (_app(""), GROUP, ("app",)),
    ("app\n", GROUP, ("app",)),
    ("app:x:1000\n", GROUP, ("app", "1000")),
    (_app("4294967296"), GROUP, ("app", "0")),
    (_app("4294968296"), GROUP, ("app", "1000")),
    (_app("99999999999999999999"), GROUP, ("app",)),
    (_app("-1"), GROUP, ("app",)),
    (_app("4294967295"), GROUP, ("app",)),
    (_app("-4294967296", "-4294967296"), GROUP, ("app",)),
    (_app(" 1000"), GROUP, ("app", "1000")),
    (_app("+1000"), GROUP, ("app", "1000")),
    (_app("1000", "4294967296"), GROUP, ("app",)),
    (_app("1000", "2147483648"), GROUP, ("app",)),
    ("# users\n" + PASSWD, GROUP, ("", "0", "app", "# users")),
    ("#app:x:1000:1000::/home/app:\n" + _app("0"), GROUP, ("#app", "app", "1000")),
    ("+::::::\n" + PASSWD, GROUP, ("0", "+", "app")),
    ("root:x:0:5::/root:\n", GROUP, ("", "root", "0")),
    ("toor:x:0:0::/root:\n", GROUP, ("root", "toor", "")),
    ("root:x:1000:1000::/root:\n", GROUP, ("root", "", "1000")),
    (PASSWD.replace("\n", "\r\n"), GROUP.replace("\n", "\r\n"), ("app", "web", "app:docker")),
    ("  app:x:1000:1000::/home/app:/bin/sh  \n", GROUP, ("app",)),
    (PASSWD.rstrip("\n"), GROUP.rstrip("\n"), ("4242:adm", "app")),
    ("2147483648:x:0:0::/:\n", GROUP, ("2147483648",)),
    ("99999999999999999999:x:0:0::/:\n", GROUP, ("99999999999999999999",)),
    ("-1:x:0:0::/:\n", GROUP, ("-1",)),
    ("big:x:2147483648:7::/:\n", GROUP, ("2147483648", "big")),
    (_app("1000"), "g:x:abc:app\n", ("app:g", "app")),
    (_app("1000"), "g:x:4294967296:app\n", ("app:g", "app")),
    (_app("1000"), "g:x:2147483648:app\n", ("app:g", "app")),
    (_app("1000"), "#wheel:x:10:app\ndocker:x:998:app\n", ("app", "app:#wheel")),
    (_app("1000"), "wheel:x:10: app\ndocker:x:998:app ,x\n", ("app",)),
    (_app("1000"), "a:x:10:app\nb:x:10:app\nc:x:1000:app\n", ("app",)),
    ("x" * 70_000 + "\n" + PASSWD, GROUP, ("app", "1000", "0", "1000:1000")),
    (PASSWD, "x" * 70_000 + "\n" + GROUP, ("app", "app:www")),
    (PASSWD + "x" * 70_000, GROUP, ("app", "nosuch")),
    ("\ufeff" + PASSWD, GROUP, ("root", "\ufeffroot", "0", "app")),
    ("app:x:1001:1001::/home/app:\n", "1001:x:0:\n", ("app", "1001", "1001:1001", "1001:0")),
    ("app:x:1001:1001::/home/app:\n", "1001:x:10:app\nten:x:1001:\n10:x:0:\n", ("app", "1001:10", "1001:ten")),
    (_app("1000", "1000", ""), GROUP, ("app", "1000:5")),
    (_app("1000", "1000", "relative"), GROUP, ("app",)),
    (_app("1000", "1000", "/with space"), GROUP, ("app",)),
    ("app:x:1000:1000::/h\udcff:\n\udcfe:x:0:0::/:\n", "g\udcfd:x:7:app\n", ("app", "\udcfe", "app:g\udcfd")),
    ("\u00a0app:x:1000:1000::/home/app:\u0085\n", GROUP, ("app", "\u00a0app")),
    ("\n\n \t\napp:x:1000:1000:a:b:c:d:e\n", "\n#\n  app:x:5:app:extra\n", ("app",)),
)

_NAMES = (
    "app",
    "root",
    "web",
    "1000",
    "0",
    "-1",
    "#app",
    " app",
    "APP",
    "a-b",
    "ünï",
    "+",
    "99999999999999999999",
    "",
    "g",
)
_IDS = (
    "0", "1000", "1001", "33", "01000", "+1000", "-1", "", "abc", " 1000", "1000 ", "4294967296", "4294967295",
    "2147483647", "2147483648", "4294968296", "-4294967296", "99999999999999999999", "1_000", "0x3e8", "１０００",
    "65534",
)  # fmt: skip
_HOMES = ("/home/app", "", "/", "/with space", "relative", "/ünï", " /blank")
_ENDS = ("\n", "\n", "\n", "\r\n", " \n", "\t\n", "\n\n", "\n#\n", "\u00a0\n")


def _passwd_line(dice: random.Random) -> str:
    fields = [dice.choice(_NAMES), "x", dice.choice(_IDS), dice.choice(_IDS), "", dice.choice(_HOMES), "/bin/sh"]
    return ":".join(fields[: dice.choice((7, 7, 7, 7, 6, 4, 3, 1))]) + dice.choice(_ENDS)


def _group_line(dice: random.Random) -> str:
    members = ",".join(dice.sample(_NAMES, dice.randint(0, 4)))
    fields = [dice.choice(_NAMES), "x", dice.choice(_IDS), members]
    return ":".join(fields[: dice.choice((4, 4, 4, 4, 3, 2))]) + dice.choice(_ENDS)


def _random_user(dice: random.Random) -> str:
    half = (*_NAMES, *_IDS)
    user = dice.choice(half)
    return user if dice.random() < 0.7 else f"{user}:{dice.choice(half)}"


def crafted_cases() -> Iterator[Case]:
    yield from (Case(user, PLAIN) for user in SPELLINGS)
    for passwd, group, users in CRAFTED:
        yield from (Case(user, Fixture(passwd, group)) for user in users)


def random_cases(fixtures: int, users: int) -> Iterator[Case]:
    """The same cases on every run: ``users`` of them on each of ``fixtures`` pairs of files."""
    dice = random.Random(SEED)
    for _ in range(fixtures):
        passwd = "".join(_passwd_line(dice) for _ in range(dice.randint(1, 6)))
        group = "".join(_group_line(dice) for _ in range(dice.randint(0, 5)))
        yield from (Case(_random_user(dice), Fixture(passwd, group)) for _ in range(users))


def all_cases() -> list[Case]:
    """Every case once."""
    return list(dict.fromkeys([*crafted_cases(), *random_cases(fixtures=40, users=5)]))
