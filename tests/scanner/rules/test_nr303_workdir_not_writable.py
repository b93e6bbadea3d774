from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.rules.nr303_workdir_not_writable import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts
from tests.support.files import image, node


@pytest.mark.parametrize(
    ("listing", "uid", "gid", "expected"),
    [
        ("drwxrwxr-x", 1001, 0, "ok"),
        ("drwxrwxrwt", 0, 0, "ok"),
        ("drwxr-xr-x", 0, 0, "violated"),
        ("drwxrwxr-x", 1001, 1001, "violated"),
        ("drw-rw-rw-", 0, 0, "violated"),
    ],
)
def test_permissions(listing: str, uid: int, gid: int, expected: str) -> None:
    assert answer(RULE, image({"/srv/app": node(listing, uid, gid)}, working_dir="/srv/app")) == expected


def test_missing_is_made_for_root() -> None:
    found = image(working_dir="/srv/app")
    assert answer(RULE, found) == "violated"
    assert "root:root with mode 0755" in str(RULE.check(found, None).reason)
    assert evidence(RULE, found)["path"] == "/srv/app"


def test_none_set() -> None:
    assert answer(RULE, image()) == "violated"
    assert "No WORKDIR is set" in str(RULE.check(image(), None).reason)
    assert "WORKDIR /srv/app" in fix(RULE, image())


def test_unknown() -> None:
    assert answer(RULE, facts(working_dir="/srv")) == "unknown"
    assert answer(RULE, replace(image(), config=facts(working_dir="/elsewhere").config)) == "unknown"


def test_fix() -> None:
    found = image({"/srv/app": node("drwxr-xr-x")}, working_dir="/srv/app")
    assert "RUN chgrp -R 0 /srv/app && chmod -R g=u /srv/app" in fix(RULE, found)
    assert "mkdir" not in fix(RULE, found)


def test_fix_without_a_shell() -> None:
    found = replace(image(working_dir="/srv/app"), passwd=facts(passwd=None).passwd)
    advice = fix(RULE, found)
    assert "COPY --from=folders --chown=1001:0 /made/ /" in advice
    assert "RUN mkdir -p /made/srv/app && chmod -R g=u /made/srv/app" in advice
