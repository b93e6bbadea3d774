from __future__ import annotations

import pytest

from scanner.domain.files import FileFacts, PrivilegedFile
from scanner.rules.nr402_setuid_root import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.demo.families import DEBIAN
from tests.support.facts import facts, privileged


def having(*files: PrivilegedFile, total: int | None = None) -> FileFacts:
    return FileFacts(privileged=files, privileged_total=len(files) if total is None else total)


@pytest.mark.parametrize(
    "file",
    [
        privileged("/bin/su", 0o4755),
        privileged("/bin/su", 0o4711),
        privileged("/bin/su", 0o4754, gid=5),
        privileged("/bin/su", 0o4705),
        privileged("/bin/su", 0o6755, gid=5),
        privileged("/bin/wall", 0o2755),
        privileged("/bin/wall", 0o2750, uid=7),
    ],
)
def test_violated(file: PrivilegedFile) -> None:
    assert answer(RULE, facts("9000", files=having(file))) == "violated"


@pytest.mark.parametrize(
    "file",
    [
        privileged("/bin/su", 0o4755, uid=33),
        privileged("/bin/su", 0o4700),
        privileged("/bin/su", 0o4644),
        privileged("/sbin/unix_chkpwd", 0o2755, gid=42),
        privileged("/bin/wall", 0o2745),
        privileged("/bin/ping", 0o755, capability=b"\0"),
    ],
)
def test_ok(file: PrivilegedFile) -> None:
    assert answer(RULE, facts("9000", files=having(file))) == "ok"


def test_ok_without_any() -> None:
    assert answer(RULE, facts("9000")) == "ok"


def test_unknown_where_nobody_looked() -> None:
    assert answer(RULE, facts("9000", files=None)) == "unknown"


def test_unknown_where_not_all_were_kept() -> None:
    assert answer(RULE, facts("9000", files=having(privileged("/bin/x", 0o2755, gid=42), total=2))) == "unknown"


def test_violated_where_one_of_those_kept_leads_to_root() -> None:
    finding = RULE.check(facts("9000", files=having(privileged("/bin/su", 0o4755), total=9_000)), None)
    assert "the first 1 of 9,000" in str(finding.reason)


def test_says_how_many_lead_elsewhere() -> None:
    finding = RULE.check(facts("9000", files=having(privileged("/sbin/chage", 0o2755, gid=42))), None)
    assert finding.reason == "1 setuid or setgid file, none of which leads to root."


def test_setgid_gives_the_group_and_not_the_uid() -> None:
    finding = RULE.check(facts("9000", files=having(privileged("/bin/wall", 0o2755))), None)
    assert str(finding.reason).startswith("`/bin/wall` runs in the root group whoever starts it.")


def test_says_where_it_is_inert() -> None:
    finding = RULE.check(facts("9000", files=having(privileged("/bin/su", 0o4755))), None)
    assert "inert under `allowPrivilegeEscalation: false`" in str(finding.reason)


def test_shows_owner_mode_and_layer() -> None:
    found = evidence(RULE, facts("9000", files=having(privileged("/bin/su", 0o6755)), history=["ADD rootfs in /"]))
    assert (found["path"], found["layer_number"], found["created_by"]) == ("/bin/su", 1, "ADD rootfs in /")
    assert found["text"] == "setuid and setgid: mode 6755, owner 0:0"


def test_fix_names_these_files() -> None:
    files = having(privileged("/bin/su", 0o4755), privileged("/usr/bin/passwd", 0o4755))
    advice = fix(RULE, facts("9000", DEBIAN.passwd, files=files))
    assert "\nRUN chmod a-s /bin/su /usr/bin/passwd\n" in advice
    assert "allowPrivilegeEscalation: false" in advice
    assert "no-new-privileges:true" in advice


def test_fix_finds_files_whose_names_no_shell_line_can_hold() -> None:
    advice = fix(RULE, facts("9000", DEBIAN.passwd, files=having(privileged("/bin/$(reboot)", 0o4755))))
    assert "RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +" in advice
    assert "RUN chmod" not in advice


def test_fix_without_a_shell() -> None:
    advice = fix(RULE, facts("9000", None, files=having(privileged("/su", 0o4755))))
    assert "RUN" not in advice
    assert "This is scratch" in advice


def test_a_thousand_of_them_stay_readable() -> None:
    files = having(*(privileged(f"/bin/{at}", 0o4755) for at in range(1_000)))
    finding = RULE.check(facts("9000", DEBIAN.passwd, files=files), None)
    assert "and 997 more" in str(finding.reason)
    assert len(finding.evidence) == 20
    assert len(finding.fix) < 2_000
