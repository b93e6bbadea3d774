from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.rules.nr301_home_unset import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts
from tests.support.files import image


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (["HOME=/srv/app"], "ok"),
        (["HOME=/"], "ok"),
        ([], "violated"),
        (["HOME="], "violated"),
        (["HOME=/srv/app", "HOME="], "violated"),
        (["MYHOME=/srv/app"], "violated"),
        (["HOME"], "violated"),
    ],
)
def test_environment(env: list[str], expected: str) -> None:
    assert answer(RULE, facts(env=env)) == expected


def test_needs_no_files() -> None:
    assert answer(RULE, replace(image(home="/srv"), files=None)) == "ok"


def test_says_what_openshift_does_instead() -> None:
    assert "WORKDIR as its home: `/srv/app`" in str(RULE.check(image(working_dir="/srv/app"), None).reason)


def test_without_account_file_openshift_is_no_better() -> None:
    assert "On OpenShift it is the same" in str(RULE.check(facts(passwd=None), None).reason)


def test_evidence() -> None:
    assert evidence(RULE, facts())["declared"] is None
    assert evidence(RULE, facts(env=["HOME="]))["declared"] == "HOME="


def test_fix_names_the_image_s_own_folder() -> None:
    advice = fix(RULE, image(working_dir="/srv/shop"))
    assert "ENV HOME=/srv/shop" in advice
    assert "mkdir -p /srv/shop && chgrp -R 0 /srv/shop && chmod -R g=u /srv/shop" in advice


@pytest.mark.parametrize("path", ["/", "/usr/lib", "/etc", "/srv/a b", "/srv/$(reboot)", "/srv/a\nUSER 0"])
def test_fix_never_opens_a_system_folder_or_writes_a_hostile_one(path: str) -> None:
    advice = fix(RULE, image(working_dir=path))
    assert "ENV HOME=/srv/app" in advice
    assert "reboot" not in advice.partition("```")[2]
