from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.rules.nr304_volume_not_writable import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.files import image, node

FILES = {
    "/open": node("drwxrwxr-x", 1001, 0),
    "/closed": node("drwxr-xr-x"),
    "/other": node("drwxrwxr-x", 1001, 1001),
    "/file": node("-rw-rw-rw-"),
}


def with_volumes(*volumes: str) -> ImageFacts:
    return image(FILES, volumes=volumes)


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([], "not_applicable"),
        (["/open"], "ok"),
        (["open/"], "ok"),
        (["/open", "/closed"], "violated"),
        (["/closed"], "violated"),
        (["/other"], "violated"),
        (["/file"], "violated"),
        (["/new"], "violated"),
    ],
)
def test_outcome(volumes: Sequence[str], expected: str) -> None:
    assert answer(RULE, with_volumes(*volumes)) == expected


def test_a_missing_one_is_better_off_on_openshift() -> None:
    assert "CRI-O, and so OpenShift, makes it for the process" in str(RULE.check(with_volumes("/new"), None).reason)
    assert "CRI-O" not in str(RULE.check(with_volumes("/closed"), None).reason)


def test_all_are_shown() -> None:
    found = RULE.check(with_volumes("/new", "/open", "/closed"), None)
    assert "2 of 3 volumes" in str(found.reason)
    assert [item["path"] for item in found.evidence] == ["/new", "/closed"]
    assert evidence(RULE, with_volumes("/closed"))["mode"] == "0755"


def test_unknown() -> None:
    assert answer(RULE, replace(with_volumes("/open"), files=None)) == "unknown"
    facts = with_volumes("/open")
    beyond = replace(facts, config=replace(facts.config, volumes=("/open", "/never-walked")))
    assert answer(RULE, beyond) == "unknown"


def test_one_that_is_closed_is_enough_beside_one_that_is_unknown() -> None:
    facts = with_volumes("/closed")
    beyond = replace(facts, config=replace(facts.config, volumes=("/never-walked", "/closed")))
    assert answer(RULE, beyond) == "violated"


def test_fix() -> None:
    advice = fix(RULE, with_volumes("/closed", "/new"))
    assert "RUN mkdir -p /closed /new && chgrp -R 0 /closed /new && chmod -R g=u /closed /new" in advice
    assert "- {name: writable-1, mountPath: /closed}" in advice
    assert "- {name: writable-1, emptyDir: {}}" in advice
    assert "  - /closed:mode=1777" in advice


@pytest.mark.parametrize("volume", ["/etc", "/a b", "/x\n"])
def test_fix_without_lines_for_folders_that_cannot_be_named(volume: str) -> None:
    assert "```" not in fix(RULE, with_volumes(volume))
