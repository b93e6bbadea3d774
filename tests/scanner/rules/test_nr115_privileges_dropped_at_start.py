from __future__ import annotations

from collections.abc import Sequence

import pytest

from scanner.domain.files import EntryPoint, FileFacts, Program, ProgramForm, Walk, WalkState
from scanner.rules.nr115_privileges_dropped_at_start import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import APP, facts


def script(*tools: str) -> FileFacts:
    program = Program(Walk("/entry.sh", WalkState.FOUND, "/entry.sh"), ProgramForm.SCRIPT, "/bin/sh")
    return FileFacts(tools=tools, entry_point=EntryPoint(("/entry.sh",), (), (program,)))


@pytest.mark.parametrize(
    "command",
    [
        ["gosu", "app", "server"],
        ["/usr/local/bin/su-exec", "1001", "server"],
        ["/bin/sh", "-c", "exec setpriv --reuid=app server"],
        ["/bin/sh", "-c", 'exec "gosu" app'],
        ["s6-setuidgid", "app", "server"],
        ["/sbin/tini", "--", "server"],
        ["tini-static"],
    ],
)
def test_violated_by_the_command(command: Sequence[str]) -> None:
    assert answer(RULE, facts("", entrypoint=command, files=None)) == "violated"


@pytest.mark.parametrize(
    "files",
    [FileFacts(tools=("/usr/local/bin/gosu",)), FileFacts(tools=("/sbin/su-exec",)), script("/usr/bin/setpriv")],
)
def test_violated_by_a_file(files: FileFacts) -> None:
    assert answer(RULE, facts("root", files=files)) == "violated"


@pytest.mark.parametrize("command", [["gosu-docs"], ["mygosu"], ["/srv/tini.d/run"], ["postgres"], ["s6"], []])
def test_ok(command: Sequence[str]) -> None:
    assert answer(RULE, facts("0", entrypoint=command)) == "ok"


@pytest.mark.parametrize(
    "files", [FileFacts(tools=("/usr/bin/setpriv", "/bin/su")), script("/bin/su", "/usr/bin/sudo")]
)
def test_what_every_debian_has_says_nothing(files: FileFacts) -> None:
    assert answer(RULE, facts("", files=files)) == "ok"


@pytest.mark.parametrize("user", ["1001", "app", "nosuch", "-1"])
def test_asks_only_images_that_start_as_root(user: str) -> None:
    assert answer(RULE, facts(user, entrypoint=["gosu", "app"])) == "not_applicable"


def test_root_in_disguise_is_root() -> None:
    assert answer(RULE, facts("app", APP.replace("1001", "0"), entrypoint=["gosu", "www"])) == "violated"


def test_unknown_where_nobody_looked() -> None:
    assert answer(RULE, facts("", files=None)) == "unknown"


def test_shows_the_command() -> None:
    found = evidence(RULE, facts("", entrypoint=["/gosu", "a\x1bpp"]))
    assert (found["pointer"], found["tool"], found["declared"]) == ("/config/Entrypoint", "gosu", "/gosu a\\x1bpp")


def test_shows_the_file() -> None:
    assert evidence(RULE, facts("", files=FileFacts(tools=("/bin/gosu",))))["path"] == "/bin/gosu"


def test_fix_declares_a_user() -> None:
    advice = fix(RULE, facts("", entrypoint=["gosu", "app"]))
    assert "USER 1001:1001" in advice
    assert "`$(id -u)`" in advice


def test_a_long_command_is_cut() -> None:
    finding = RULE.check(facts("", entrypoint=["gosu", "x" * 100_000]), None)
    assert len(str(finding.evidence[0]["declared"])) == 300


def test_never_decides() -> None:
    assert not RULE.decides
