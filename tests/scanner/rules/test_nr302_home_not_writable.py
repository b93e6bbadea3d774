from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.rules.nr302_home_not_writable import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.files import image, node


def at_home(listing: str, uid: int = 0, gid: int = 0) -> ImageFacts:
    return image({"/srv/app": node(listing, uid, gid)}, home="/srv/app")


@pytest.mark.parametrize(
    ("listing", "uid", "gid", "expected"),
    [
        ("drwxrwxr-x", 0, 0, "ok"),
        ("drwxrwx---", 1001, 0, "ok"),
        ("drwxr-xrwx", 1001, 1001, "ok"),
        ("drwxr-xr-x", 0, 0, "violated"),
        ("drwxrwxr-x", 1001, 1001, "violated"),
        ("drwx---rwx", 1001, 0, "violated"),
        ("drwxrw-rwx", 1001, 0, "violated"),
        ("-rwxrwxrwx", 0, 0, "violated"),
    ],
)
def test_permissions(listing: str, uid: int, gid: int, expected: str) -> None:
    assert answer(RULE, at_home(listing, uid, gid)) == expected


def test_missing() -> None:
    facts = image(home="/home/app")
    assert answer(RULE, facts) == "violated"
    assert "does not exist" in str(RULE.check(facts, None).reason)


def test_unset_is_the_root_folder() -> None:
    assert answer(RULE, image()) == "violated"
    assert answer(RULE, image({"/": node("drwxrwxr-x")})) == "ok"


def test_unset_says_what_openshift_takes() -> None:
    facts = image({"/srv/app": node("drwxrwxr-x")}, working_dir="/srv/app")
    assert answer(RULE, facts) == "violated"
    assert "On OpenShift CRI-O takes WORKDIR, `/srv/app`" in str(RULE.check(facts, None).reason)


def test_a_folder_on_the_way() -> None:
    facts = image({"/root": node("drwx------"), "/root/app": node("drwxrwxrwx")}, home="/root/app")
    assert answer(RULE, facts) == "violated"
    assert (evidence(RULE, facts)["path"], evidence(RULE, facts)["wanted"]) == ("/root", "/root/app")


def test_unknown_before_files_were_read() -> None:
    assert answer(RULE, replace(at_home("drwxrwxrwx"), files=None)) == "unknown"


def test_unknown_where_nobody_walked() -> None:
    facts = at_home("drwxrwxrwx")
    assert facts.files is not None
    assert answer(RULE, replace(facts, files=replace(facts.files, walks={}))) == "unknown"


def test_fix_opens_the_folder() -> None:
    assert "RUN chgrp -R 0 /srv/app && chmod -R g=u /srv/app" in fix(RULE, at_home("drwxr-xr-x"))
    assert "mkdir -p /home/app && chgrp" in fix(RULE, image(home="/home/app"))


def test_fix_names_another_folder_instead_of_one_of_the_system() -> None:
    advice = fix(RULE, image(home="/root"))
    assert "ENV HOME=/srv/app" in advice
    assert "chgrp -R 0 /root" not in advice
