from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.domain.files import FileFacts, Node, NodeKind, Place, PrivilegedFile, SudoersFile
from scanner.rules.nr404_passwordless_sudo import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.demo.families import ALPINE, DEBIAN
from tests.support.facts import APP, APP_GROUP, facts, privileged

MEMBER = APP_GROUP + "sudo:x:27:app\n"
GRANT = "app ALL=(ALL) NOPASSWD: ALL\n"
SUDO = privileged("/usr/bin/sudo", 0o4755)


def having(content: str | None, *binaries: PrivilegedFile, path: str = "/etc/sudoers") -> FileFacts:
    place = Place(path, Node(NodeKind.FILE, 0o440, 0, 0), 0)
    raw = None if content is None else content.encode()
    return FileFacts(sudoers=(SudoersFile(place, raw),), privileged=binaries, privileged_total=len(binaries))


@pytest.mark.parametrize("user", ["app", "1001", "1001:1001", "app:app", "1001:5"])
@pytest.mark.parametrize(
    "line", [GRANT, "%sudo ALL=NOPASSWD: ALL", "#1001 ALL=NOPASSWD: /bin/su", "%#27 ALL=NOPASSWD: ALL"]
)
def test_violated(user: str, line: str) -> None:
    assert answer(RULE, facts(user, APP, MEMBER, files=having(line, SUDO))) == "violated"


@pytest.mark.parametrize("line", ["", "%sudo ALL=(ALL:ALL) ALL", "bob ALL=NOPASSWD: ALL", "#1002 ALL=NOPASSWD: ALL"])
def test_ok(line: str) -> None:
    assert answer(RULE, facts("app", APP, MEMBER, files=having(line, SUDO))) == "ok"


def test_ok_without_sudoers() -> None:
    assert answer(RULE, facts("nosuch")) == "ok"


def test_group_half_counts() -> None:
    image = facts("9000:27", APP, MEMBER, files=having("%sudo ALL=NOPASSWD: ALL", SUDO))
    assert answer(RULE, image) == "violated"


def test_an_unknown_group_half_stops_only_docker() -> None:
    assert answer(RULE, facts("app:nosuch", APP, MEMBER, files=having(GRANT, SUDO))) == "violated"


@pytest.mark.parametrize("user", ["", "0", "root"])
def test_root_needs_no_sudo(user: str) -> None:
    assert answer(RULE, facts(user, APP, files=having(GRANT, SUDO))) == "not_applicable"


@pytest.mark.parametrize("user", ["nosuch", "-1"])
def test_unknown_where_nothing_starts(user: str) -> None:
    assert answer(RULE, facts(user, APP, files=having(GRANT, SUDO))) == "unknown"


def test_unknown_where_nobody_looked() -> None:
    assert answer(RULE, facts("app", files=None)) == "unknown"


@pytest.mark.parametrize("content", [None, "@include /opt/x", '"app ALL=NOPASSWD: ALL'])
def test_unknown_where_there_may_be_more(content: str | None) -> None:
    assert answer(RULE, facts("app", files=having(content, SUDO))) == "unknown"


def test_unknown_where_a_folder_has_more_files_than_are_kept() -> None:
    main = having("@includedir /etc/sudoers.d").sudoers
    folder = SudoersFile(Place("/etc/sudoers.d", Node(NodeKind.FOLDER, 0o755, 0, 0), 0), None)
    assert answer(RULE, facts("app", files=FileFacts(sudoers=(*main, folder)))) == "unknown"


def test_unknown_where_groups_cannot_be_read() -> None:
    image = facts("app", APP, "", group_state=ReadState.TOO_LARGE, files=having("%sudo ALL=NOPASSWD: ALL", SUDO))
    assert answer(RULE, image) == "unknown"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (GRANT, "With sudo, `app` may run anything as root without a password: line 1 of `/etc/sudoers`."),
        ("app ALL=(www) NOPASSWD: /bin/ls -l", "`app` may run `/bin/ls -l` as `www` without"),
        ("app ALL=NOPASSWD: /bin/a, /bin/b", "and 1 more"),
    ],
)
def test_says_what(line: str, words: str) -> None:
    assert words in str(RULE.check(facts("app", APP, files=having(line, SUDO)), None).reason)


def test_says_when_no_sudo_is_there() -> None:
    finding = RULE.check(facts("app", APP, files=having(GRANT)), None)
    assert "No setuid `sudo` was found" in str(finding.reason)


def test_says_that_docker_adds_no_account() -> None:
    finding = RULE.check(facts("9000", APP, files=having("ALL ALL=NOPASSWD: ALL", SUDO)), None)
    assert "uid 9000 may run anything" in str(finding.reason)
    assert "Docker adds none" in str(finding.reason)


def test_shows_the_line() -> None:
    found = evidence(RULE, facts("app", APP, files=having("\n\n" + GRANT, SUDO, path="/etc/sudoers")))
    assert (found["path"], found["line"], found["text"]) == ("/etc/sudoers", 3, GRANT.strip())


def test_shows_the_line_that_asks_nobody() -> None:
    finding = RULE.check(facts("app", APP, files=having("Defaults !authenticate\napp ALL=ALL", SUDO)), None)
    assert [found.get("line") for found in finding.evidence[:2]] == [2, 1]


def test_fix_for_this_base() -> None:
    grown = DEBIAN.passwd + "app:x:1001:1001::/:/bin/sh\n"
    advice = fix(RULE, facts("1001", grown, files=having(GRANT, SUDO)))
    assert "`RUN apt-get purge -y sudo`" in advice
    assert "RUN sed -i -e 's/NOPASSWD[[:space:]]*:/PASSWD:/g'" in advice
    grown = ALPINE.passwd + "app:x:1001:1001::/:/bin/sh\n"
    assert "`RUN apk del sudo`" in fix(RULE, facts("1001", grown, files=having(GRANT, SUDO)))


def test_hostile_text_is_escaped_and_short() -> None:
    line = "app ALL=NOPASSWD: " + ", ".join(f"/bin/\x1b{at}`x`" for at in range(2_000))
    finding = RULE.check(facts("app", APP, files=having(line, SUDO)), None)
    assert "\x1b" not in f"{finding.reason}{finding.fix}{finding.evidence}"
    assert len(finding.fix) < 2_000
