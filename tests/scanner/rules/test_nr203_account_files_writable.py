from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import GROUP, PASSWD, SHADOW, ImageFacts, ReadState
from scanner.domain.files import FileFacts, Node, NodeKind, Place, Walk, WalkState
from scanner.rules.nr203_account_files_writable import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.demo.families import DEBIAN
from tests.support.facts import facts


def with_modes(mode: int, uid: int = 0, gid: int = 0, *, name: str = "passwd") -> ImageFacts:
    plain = facts("9000:9000", DEBIAN.passwd, DEBIAN.group, shadow="root:*:1::::::\n")
    files = {file.path: file for file in (plain.passwd, plain.group, plain.shadow)}
    asked = f"/etc/{name}"
    files[asked] = replace(files[asked], mode=mode, uid=uid, gid=gid)
    return replace(plain, passwd=files[PASSWD], group=files[GROUP], shadow=files[SHADOW])


def below(mode: int, uid: int = 0, gid: int = 0, *, path: str = "/etc", asked: str = PASSWD) -> ImageFacts:
    folder = Place(path, Node(NodeKind.FOLDER, mode, uid, gid), 0)
    walk = Walk(asked, WalkState.MISSING, asked, (folder,))
    return facts("9000:9000", DEBIAN.passwd, DEBIAN.group, files=FileFacts(walks={asked: walk}))


@pytest.mark.parametrize("name", ["passwd", "group", "shadow"])
@pytest.mark.parametrize(
    ("mode", "uid", "gid"), [(0o664, 0, 0), (0o666, 0, 0), (0o646, 0, 0), (0o620, 0, 42), (0o644, 7, 0)]
)
def test_violated_by_the_file(name: str, mode: int, uid: int, gid: int) -> None:
    assert answer(RULE, with_modes(mode, uid, gid, name=name)) == "violated"


@pytest.mark.parametrize(("mode", "gid"), [(0o644, 0), (0o640, 42), (0o600, 0), (0o000, 0), (0o755, 0), (0o444, 5)])
def test_ok(mode: int, gid: int) -> None:
    assert answer(RULE, with_modes(mode, 0, gid, name="shadow")) == "ok"


@pytest.mark.parametrize("asked", [PASSWD, SHADOW])
@pytest.mark.parametrize(
    ("mode", "uid", "gid"), [(0o777, 0, 0), (0o775, 0, 0), (0o775, 0, 5), (0o755, 9, 0), (0o1777, 9, 0)]
)
def test_violated_by_a_folder(asked: str, mode: int, uid: int, gid: int) -> None:
    assert answer(RULE, below(mode, uid, gid, asked=asked)) == "violated"


@pytest.mark.parametrize("mode", [0o755, 0o555, 0o1777, 0o1775, 0o700])
def test_ok_in_a_folder_of_root(mode: int) -> None:
    assert answer(RULE, below(mode)) == "ok"


@pytest.mark.parametrize(("mode", "who"), [(0o1777, "Everybody"), (0o1775, "Group 0")])
def test_a_missing_file_can_be_made_in_a_sticky_folder(mode: int, who: str) -> None:
    missing = replace(below(mode), passwd=facts("9000", None).passwd)
    assert str(RULE.check(missing, None).reason).startswith(who)


def test_missing_files_cannot_be_written() -> None:
    assert answer(RULE, facts("9000", None, None)) == "ok"


def test_modes_decide_where_folders_were_not_read() -> None:
    assert answer(RULE, replace(with_modes(0o644), files=None)) == "ok"
    assert answer(RULE, replace(with_modes(0o664), files=None)) == "violated"


def test_unknown_without_modes() -> None:
    plain = facts("9000")
    assert answer(RULE, replace(plain, passwd=replace(plain.passwd, mode=None))) == "unknown"


def test_unknown_where_a_file_was_not_read() -> None:
    assert answer(RULE, facts("9000", "", passwd_state=ReadState.TOO_LARGE)) != "ok"


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "who"),
    [
        (0o664, 0, 0, "Group 0, in which OpenShift puts every process, can write `/etc/passwd`."),
        (0o666, 0, 5, "Everybody can write `/etc/passwd`."),
        (0o664, 0, 42, "Group 42 can write `/etc/passwd`."),
        (0o644, 7, 0, "Its owner, uid 7, can write `/etc/passwd`."),
    ],
)
def test_says_who(mode: int, uid: int, gid: int, who: str) -> None:
    assert str(RULE.check(with_modes(mode, uid, gid), None).reason).startswith(who)


def test_says_that_a_folder_is_the_way() -> None:
    assert "Everybody can replace what is in `/etc`." in str(RULE.check(below(0o777), None).reason)


def test_shows_where_the_links_end() -> None:
    image = with_modes(0o664)
    found = evidence(RULE, replace(image, passwd=replace(image.passwd, resolved="/usr/etc/passwd")))
    assert (found["path"], found["text"], found["layer_number"]) == ("/usr/etc/passwd", "mode 0664, owner 0:0", 1)


def test_fix_names_these_paths() -> None:
    advice = fix(RULE, with_modes(0o664, 7))
    assert "RUN chown 0:0 /etc/passwd\nRUN chmod g-w,o-w /etc/passwd\n" in advice
    assert "allowPrivilegeEscalation: false" in advice


def test_fix_without_a_shell() -> None:
    image = facts("9000", history=["COPY passwd /etc/passwd"])
    advice = fix(RULE, replace(image, passwd=replace(image.passwd, mode=0o666)))
    assert "COPY --chown=0:0 --chmod=644" in advice
    assert "RUN" not in advice
