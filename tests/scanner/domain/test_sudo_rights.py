from __future__ import annotations

import time

import pytest

from scanner.domain.files import Node, NodeKind, Place, SudoersFile
from scanner.domain.sudo_rights import SudoUser, without_password

_GROUPS = {"app": 1001, "sudo": 27, "docker": 998, "space name": 27}
APP = SudoUser(1001, frozenset({1001, 27}), frozenset({"app"}), lambda name: _GROUPS.get(name.lower()) in (1001, 27))


def file(content: str | None, path: str = "/etc/sudoers") -> SudoersFile:
    raw = None if content is None else content.encode()
    return SudoersFile(Place(path, Node(NodeKind.FILE, 0o440, 0, 0), 0), raw)


def commands(*files: SudoersFile) -> list[str]:
    return [each.command.text for each in without_password(files, APP).granted]


@pytest.mark.parametrize(
    "content",
    [
        "app ALL=(ALL) NOPASSWD: ALL",
        "app ALL=(ALL:ALL) NOPASSWD:ALL",
        "app\tALL = NOPASSWD : ALL",
        "app ALL=(root) NOEXEC: NOPASSWD: ALL",
        "app ALL=NOPASSWD: SETENV: ALL # comment",
        "#1001 ALL=(ALL) NOPASSWD: ALL",
        "%sudo ALL=(ALL) NOPASSWD: ALL",
        "%#27 ALL=(ALL) NOPASSWD: ALL",
        "ALL ALL=(ALL) NOPASSWD: ALL",
        '"app" ALL=(ALL) NOPASSWD: ALL',
        "APP ALL=(ALL) NOPASSWD: ALL",
        "App ALL=(ALL) NOPASSWD: ALL",
        "%SUDO ALL=(ALL) NOPASSWD: ALL",
        "# comment \\\napp ALL=(ALL) NOPASSWD: ALL",
        "bob ALL=ALL # comment \\\napp ALL=(ALL) NOPASSWD: ALL",
        '"%space name" ALL=NOPASSWD: ALL',
        "%space\\ name ALL=NOPASSWD: ALL",
        "ap\\p ALL=NOPASSWD: ALL",
        "bob, app ALL=NOPASSWD: ALL",
        "bob,app,carol h1,h2=NOPASSWD: ALL",
        "ALL, !bob ALL=NOPASSWD: ALL",
        "!bob, ALL ALL=NOPASSWD: ALL",
        "!!app ALL=NOPASSWD: ALL",
        "app ALL=\\\n(ALL) NOPASSWD: \\\n  ALL",
        "app ALL=(ALL) NOPASSWD: ALL\r\n",
        "bob ALL=ALL\napp ALL=NOPASSWD: ALL",
        "app !h1 = NOPASSWD: ALL",
        "app 10.0.0.0/8 = NOPASSWD: ALL",
        "app ALL=(: docker) NOPASSWD: ALL",
        "app ALL=CWD=/srv NOPASSWD: ALL",
        "app ALL=(ALL) TIMEOUT=5m NOPASSWD: ALL",
        "app ALL=(ALL) ALL : h2=NOPASSWD: ALL",
        "app ALL=(ALL) NOPASSWD: ALL, !/bin/su",
        "User_Alias ADMINS = bob, app\nADMINS ALL=NOPASSWD: ALL",
        "ADMINS ALL=NOPASSWD: ALL\nUser_Alias A = bob : ADMINS = %sudo",
        "User_Alias A = app\nUser_Alias B = A\nB ALL=NOPASSWD: ALL",
        "User_Alias A = ALL, !bob\nA ALL=NOPASSWD: ALL",
        "User_Alias A = !app\n!A ALL=NOPASSWD: ALL",
        "Defaults !authenticate\napp ALL=(ALL) ALL",
        "Defaults env_reset, !authenticate\napp ALL=(ALL) ALL",
        'Defaults secure_path="/a:/b=c,d", mailto="x" , !authenticate\napp ALL=(ALL) ALL',
        "Defaults:app !authenticate\n%sudo ALL=(ALL) ALL",
        "Defaults:%sudo !authenticate\napp ALL=(ALL) ALL",
        "Defaults:ALL !authenticate\napp ALL=(ALL) ALL",
        "Defaults>root !authenticate\napp ALL=(ALL) ALL",
        "Defaults@h1 !authenticate\napp ALL=(ALL) ALL",
        "Defaults!/bin/ls !authenticate\napp ALL=(ALL) ALL",
        "app ALL=(ALL) ALL\nDefaults !authenticate",
        "Defaults:app authenticate\nDefaults !authenticate\napp ALL=(ALL) ALL",
        "Defaults authenticate\nDefaults:app !authenticate\napp ALL=(ALL) ALL",
        "Defaults exempt_group=sudo\napp ALL=(ALL) PASSWD: ALL",
        'Defaults exempt_group = "sudo"\napp ALL=(ALL) ALL',
        "garbage = (\napp ALL=NOPASSWD: ALL",
        "app ALL=(www) NOPASSWD: ALL\napp ALL=(ALL) NOPASSWD: ALL",
    ],
)
def test_granted_all(content: str) -> None:
    assert "ALL" in commands(file(content))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "root ALL=(ALL:ALL) ALL",
        "app ALL=(ALL) ALL",
        "%sudo ALL=(ALL:ALL) ALL",
        "bob ALL=(ALL) NOPASSWD: ALL",
        "%docker ALL=(ALL) NOPASSWD: ALL",
        "# app ALL=(ALL) NOPASSWD: ALL",
        "#app ALL=(ALL) NOPASSWD: ALL",
        "# app \\\n# app ALL=NOPASSWD: ALL",
        "app ALL=(ALL) \\\n ALL # NOPASSWD: ALL",
        "#1002 ALL=(ALL) NOPASSWD: ALL",
        "%#28 ALL=(ALL) NOPASSWD: ALL",
        "+netgroup ALL=(ALL) NOPASSWD: ALL",
        "APPS ALL=(ALL) NOPASSWD: ALL",
        "ALL, !APP ALL=NOPASSWD: ALL",
        "ALL, !app ALL=NOPASSWD: ALL",
        "ALL, !%sudo ALL=NOPASSWD: ALL",
        "app ALL=(ALL) NOPASSWD: !ALL",
        "app ALL=(ALL) NOPASSWD: PASSWD: ALL",
        "app ALL=(ALL) NOPASSWD: ALL\n%sudo ALL=(ALL:ALL) ALL",
        "app ALL=(ALL) NOPASSWD: ALL\napp ALL=(ALL) PASSWD: ALL",
        "app ALL=(ALL) NOPASSWD: ALL, !ALL",
        "app ALL=NOPASSWD: ALL\napp ALL=ALL",
        "app ALL=NOPASSWD: ALL\napp ALL=(root) ALL",
        "User_Alias ADMINS = bob\nADMINS ALL=NOPASSWD: ALL",
        "User_Alias A = A\nA ALL=NOPASSWD: ALL",
        "User_Alias A = B : B = A\nA ALL=NOPASSWD: ALL",
        "User_Alias A = app\n!A ALL=NOPASSWD: ALL",
        "Defaults:bob !authenticate\napp ALL=(ALL) ALL",
        "Defaults !authenticate\nDefaults authenticate\napp ALL=(ALL) ALL",
        "Defaults !authenticate\nDefaults:app authenticate\napp ALL=(ALL) ALL",
        "Defaults:app !authenticate\nDefaults authenticate\napp ALL=(ALL) ALL",
        "Defaults !authenticate\napp ALL=(ALL) PASSWD: ALL",
        "Defaults !authenticate\nbob ALL=(ALL) ALL",
        "Defaults exempt_group=docker\napp ALL=(ALL) ALL",
        "Defaults mailto=!authenticate\napp ALL=(ALL) ALL",
        "Defaultsx !authenticate\napp ALL=(ALL) ALL",
        "Cmnd_Alias NOPASSWD = /bin/ls\napp ALL=(ALL) ALL",
    ],
)
def test_not_granted(content: str) -> None:
    assert commands(file(content)) == []


@pytest.mark.parametrize(
    ("content", "granted"),
    [
        ("app ALL=NOPASSWD: /bin/ls -l, /bin/su", ["/bin/ls -l", "/bin/su"]),
        ("app ALL=NOPASSWD: /bin/ls, PASSWD: /bin/su, /bin/id", ["/bin/ls"]),
        ("app ALL=/bin/su, NOPASSWD: /bin/ls a\\,b c\\:d", ["/bin/ls a\\,b c\\:d"]),
        ("app ALL=NOPASSWD: sha256:abc= /bin/ls, /bin/su", ["sha256 : abc = /bin/ls", "/bin/su"]),
        ("app ALL=NOPASSWD: sudoedit /etc/x", ["sudoedit /etc/x"]),
        ("app ALL=NOPASSWD: /bin/ls : h2 = /bin/su", ["/bin/ls"]),
        ("app ALL=NOPASSWD: /bin/ls\napp ALL=/bin/ls", ["/bin/ls"]),
        ("app ALL=(www) NOPASSWD: /bin/ls\napp ALL=ALL", ["/bin/ls"]),
    ],
)
def test_commands(content: str, granted: list[str]) -> None:
    assert commands(file(content)) == granted


MAIN = "@includedir /etc/sudoers.d\n"
GRANT = "app ALL=(ALL) NOPASSWD: ALL\n"


@pytest.mark.parametrize("line", ["@includedir /etc/sudoers.d", "#includedir /etc/sudoers.d/", "@includedir sudoers.d"])
def test_a_folder_is_included(line: str) -> None:
    found = without_password([file(line), file(GRANT, "/etc/sudoers.d/app")], APP)
    assert [(each.place.path, each.line) for each in found.granted] == [("/etc/sudoers.d/app", 1)]


@pytest.mark.parametrize("name", ["app.conf", "app~", ".app", "sub/app"])
def test_some_names_are_left_out(name: str) -> None:
    path = f"/etc/sudoers.d/{name}"
    linked = name == "sub/app"  # nothing but a link leads there, and links are followed
    assert bool(commands(file(MAIN), file(GRANT, path))) is linked


def test_a_folder_nobody_includes_does_not_count() -> None:
    assert commands(file("root ALL=(ALL) ALL"), file(GRANT, "/etc/sudoers.d/app")) == []


def test_files_of_a_folder_are_read_by_name_and_the_last_one_counts() -> None:
    asks = file("app ALL=(ALL) ALL", "/etc/sudoers.d/90")
    assert commands(asks, file(GRANT, "/etc/sudoers.d/10"), file(MAIN)) == []
    assert commands(asks, file(GRANT, "/etc/sudoers.d/95"), file(MAIN)) == ["ALL"]


def test_what_stands_behind_the_include_counts_later() -> None:
    assert commands(file(MAIN + "%sudo ALL=(ALL) ALL"), file(GRANT, "/etc/sudoers.d/app")) == []


def test_a_file_is_included() -> None:
    assert commands(file("@include local\\ one"), file(GRANT, "/etc/local one")) == ["ALL"]


@pytest.mark.parametrize("line", ["@include /opt/x", "#include /opt/x", "@includedir /opt/sudoers.d"])
def test_doubt_where_an_include_was_not_read(line: str) -> None:
    assert "was not read" in without_password([file(line)], APP).doubt


def test_doubt_where_a_file_was_too_large() -> None:
    assert without_password([file(None)], APP).doubt == "/etc/sudoers was too large to be kept"


@pytest.mark.parametrize(
    "line",
    [
        '"app ALL=NOPASSWD: ALL',
        "app NOPASSWD: ALL",
        "%:AD ALL=NOPASSWD: ALL",
        '%"sudo" ALL=NOPASSWD: ALL',
        "Defaults:app,, !authenticate",
    ],
)
def test_doubt_where_a_line_cannot_be_read(line: str) -> None:
    assert without_password([file(line)], APP).doubt == "line 1 of /etc/sudoers cannot be read"


def test_a_line_that_cannot_be_read_and_says_nothing_of_passwords_is_skipped() -> None:
    assert without_password([file("app ALL")], APP).doubt == ""


def test_an_include_of_itself_ends() -> None:
    found = without_password([file("@include /etc/sudoers\n" + GRANT)], APP)
    assert found.granted
    assert found.doubt


def test_the_first_main_file_counts() -> None:
    assert commands(file("", "/etc/sudoers"), file(GRANT, "/usr/etc/sudoers")) == []
    assert commands(file(GRANT, "/usr/etc/sudoers")) == ["ALL"]


def test_names_the_line_that_switches_the_question_off() -> None:
    found = without_password([file("Defaults !authenticate\napp ALL=ALL")], APP)
    assert [setting.line for _, setting in found.settings] == [1]


@pytest.mark.parametrize(
    "content",
    [
        "app ALL=NOPASSWD: " + "a," * 30_000 + "ALL",
        '"' * 60_000,
        "\\" * 60_000,
        "#1\\\n" * 16_000,
        '"#\\\n' * 16_000,
        "\\\n" * 30_000,
        "\n".join(f"User_Alias A{at} = A{at + 1}, A{at + 2}" for at in range(2_000)) + "\nA0 ALL=ALL",
        "app ALL=(" + "(" * 60_000,
        "!" * 60_000 + "app ALL=ALL",
        "@include /etc/sudoers\n" * 3_000,
        "a" * 60_000,
    ],
)
def test_hostile_files_take_bounded_time(content: str) -> None:
    started = time.thread_time()
    without_password([file(content)], APP)
    assert time.thread_time() - started < 3
