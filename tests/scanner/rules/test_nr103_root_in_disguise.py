from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts, ReadState
from scanner.domain.files import ProgramForm
from scanner.rules.nr103_root_in_disguise import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import APP, ROOT_LINE, account_file, facts, remapped
from tests.support.files import Files, entry_point, image, node, program


@pytest.mark.parametrize(
    "line",
    [
        "app:x:0:0::/app:/bin/sh",
        "app:x:00:1000::/app:/bin/sh",
        "app:x: 1000:1000::/app:/bin/sh",
        "app:x::1000::/app:/bin/sh",
        "app:x:abc:1000::/app:/bin/sh",
        "app:x:4294967296:1000::/app:/bin/sh",
        "app:x:-4294967296:0::/app:/bin/sh",
        "app:x:1_000:0::/app:/bin/sh",
        "app",
        "app:x",
    ],
)
def test_a_line_that_means_zero(line: str) -> None:
    assert answer(RULE, facts("app", f"{ROOT_LINE}{line}\n")) == "violated"


@pytest.mark.parametrize(
    ("user", "passwd"),
    [
        ("# users", "# users\n" + ROOT_LINE),
        ("+", "+::::::\n"),
        ("app", "app:x:0:0::/:\napp:x:1000:1000::/:\n"),
        ("app:nosuch", "app:x:0:0::/:\n"),
        ("app:1000", "app:x:0:0::/:\n"),
    ],
)
def test_other_disguises(user: str, passwd: str) -> None:
    assert answer(RULE, facts(user, passwd)) == "violated"


@pytest.mark.parametrize("user", ["", ":", "0", "root", "app", "1001", "9999", "app:nosuch"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user)) == "ok"


@pytest.mark.parametrize("user", ["nosuch", "-1", "99999999999999999999", "toor"])
def test_unknown_where_nothing_starts(user: str) -> None:
    assert answer(RULE, facts(user)) == "unknown"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
@pytest.mark.parametrize("user", ["app", "1001"])
def test_unknown_where_accounts_cannot_be_read(user: str, state: ReadState) -> None:
    assert answer(RULE, facts(user, "", passwd_state=state)) == "unknown"


def test_unknown_uid_that_the_kernel_refuses() -> None:
    assert answer(RULE, facts("app", "app:x:-1:1000::/:\n")) == "unknown"


def test_evidence_shows_layer_line_and_text() -> None:
    found = evidence(RULE, remapped())
    assert (found["layer_number"], found["line"], found["text"]) == (3, 2, "app:x:0:0::/home/app:/bin/sh")
    assert found["created_by"] == "/bin/sh -c sed -i -e 's/1001/0/g' /etc/passwd"


def test_fix_names_the_instruction_and_the_uid_it_had() -> None:
    advice = fix(RULE, remapped())
    assert "s/1001/0/g" in advice
    assert "USER 1001:1001" in advice


def test_reason_quotes_what_stands_in_the_field() -> None:
    finding = RULE.check(facts("app", "app:x: 1000:1000::/app:\n"), None)
    assert "` 1000`" in str(finding.reason).replace("`  1000 `", "` 1000`")


def test_fix_never_puts_a_hostile_name_into_a_command() -> None:
    name = "app$(reboot)"
    advice = fix(RULE, facts(name, versions=[APP.replace("app:x", f"{name}:x"), f"{name}:x:0:0::/:\n"]))
    inside_blocks = advice.split("```")[1::2]
    assert len(inside_blocks) == 3
    assert not any("reboot" in code for code in inside_blocks)


def command(files: Files) -> ImageFacts:
    return image(files, entry=entry_point(program("/srv/run", files)))


def script(files: Files) -> ImageFacts:
    interpreter = program("/bin/sh", files)
    return image(files, entry=entry_point(program("/srv/run", files, ProgramForm.SCRIPT, interpreter=interpreter)))


@pytest.mark.parametrize(
    ("listing", "uid", "expected"),
    [
        ("-rwsr-xr-x", 0, "violated"),
        ("-rwsr-x---", 0, "ok"),
        ("-rwsr-xr-x", 1001, "ok"),
        ("-rwxr-sr-x", 0, "ok"),
        ("-rwxr-xr-x", 0, "ok"),
    ],
)
def test_a_command_that_is_setuid_root(listing: str, uid: int, expected: str) -> None:
    assert answer(RULE, command({"/srv/run": node(listing, uid)})) == expected


def test_a_root_that_is_not_uid_0_has_a_command_too() -> None:
    found = command({"/srv/run": node("-rwsr-xr-x")})
    passwd = account_file("/etc/passwd", "root:x:1000:1000::/:/bin/sh\n")
    assert answer(RULE, replace(found, passwd=passwd, config=replace(found.config, user="root"))) == "violated"


@pytest.mark.parametrize(("user", "expected"), [("1001:1001", "violated"), ("1001", "violated"), ("1002:1", "ok")])
def test_groups_that_only_kubernetes_gives_may_execute_it(user: str, expected: str) -> None:
    found = command({"/srv/run": node("-rwsr-x---", 0, 10)})
    groups = account_file("/etc/group", "wheel:x:10:app\n")
    changed = replace(found.config, user=user)
    passwd = account_file("/etc/passwd", APP)
    assert answer(RULE, replace(found, config=changed, passwd=passwd, group=groups)) == expected


@pytest.mark.parametrize(("folders", "expected"), [(256, "ok"), (257, "unknown")])
def test_unknown_where_path_is_too_long_to_be_searched(folders: int, expected: str) -> None:
    path = ":".join(f"/{number}" for number in range(folders))
    assert answer(RULE, facts("1001:1001", env=[f"PATH={path}"])) == expected


def test_the_interpreter_of_a_script_counts_and_the_script_does_not() -> None:
    plain, setuid = node("-rwxr-xr-x"), node("-rwsr-xr-x")
    assert answer(RULE, script({"/srv/run": plain, "/bin/sh": setuid})) == "violated"
    assert answer(RULE, script({"/srv/run": setuid, "/bin/sh": plain})) == "ok"


def test_the_fix_names_the_file() -> None:
    found = command({"/srv/run": node("-rwsr-xr-x")})
    assert "RUN chmod u-s /srv/run" in fix(RULE, found)
    assert evidence(RULE, found)["path"] == "/srv/run"
