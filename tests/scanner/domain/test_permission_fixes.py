from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scanner.domain.arbitrary_uid import ARBITRARY, WHO
from scanner.domain.facts import ImageFacts
from scanner.domain.permission_evidence import folder_refusal
from scanner.domain.permission_fixes import open_folders, open_refused
from scanner.domain.permissions import MAKE_FILES
from scanner.domain.rule import Rule
from scanner.rules.nr302_home_not_writable import RULE as HOME
from scanner.rules.nr303_workdir_not_writable import RULE as WORKDIR
from scanner.rules.nr304_volume_not_writable import RULE as VOLUME
from tests.support.answers import fix
from tests.support.facts import facts
from tests.support.files import image, node, walk

END = "chgrp -R 0 /srv/h && chmod -R g=u /srv/h\n"


def below(top: str, listing: str = "drwxrwxr-x", **config: Any) -> ImageFacts:
    return image({"/srv": node(top), "/srv/h": node(listing)}, **config)


@pytest.mark.parametrize(
    ("rule", "config"),
    [(HOME, {"home": "/srv/h"}), (WORKDIR, {"working_dir": "/srv/h"}), (VOLUME, {"volumes": ("/srv/h",)})],
)
def test_folders_above_are_opened_for_searching(rule: Rule, config: dict[str, Any]) -> None:
    assert f"RUN chmod g+x,o+x /srv\nRUN {END}" in fix(rule, below("drwx------", **config))
    assert "g+x,o+x" not in fix(rule, below("drwxr-xr-x", "drwxr-xr-x", **config))


def test_a_missing_folder_below_a_shut_one_is_made() -> None:
    advice = fix(HOME, image({"/srv": node("drwx------")}, home="/srv/h"))
    assert f"RUN chmod g+x,o+x /srv\nRUN mkdir -p /srv/h && {END}" in advice


def test_every_shut_folder_on_the_way_is_opened() -> None:
    files = {"/a": node("drwx------"), "/a/b": node("drwxr-----", 7, 7), "/a/b/c": node("drwxrwxr-x")}
    assert "RUN chmod g+x,o+x /a /a/b\n" in fix(WORKDIR, image(files, working_dir="/a/b/c"))


def test_no_line_for_a_folder_above_that_cannot_be_named() -> None:
    files = {"/a b": node("drwx------"), "/a b/c": node("drwxrwxr-x")}
    by_link = replace(walk("/a b/c", files), path="/x")
    refusal = folder_refusal(by_link, ARBITRARY, MAKE_FILES, WHO)
    assert refusal is not None
    first, *others = open_refused(image(files), ["/x"], [refusal])
    assert first == "# and chmod g+x,o+x for each folder above that cannot be searched"
    assert others == open_folders(image(files), ["/x"])
    assert open_refused(image(files), [], [refusal]) == []


def test_a_base_without_a_shell_is_told_where() -> None:
    scratch = below("drwx------", volumes=("/srv/h",))
    copied = replace(scratch.config, history=facts("1001", history=["COPY / /"]).config.history)
    advice = fix(VOLUME, replace(scratch, config=copied))
    assert "before they are copied: chmod g+x,o+x /srv\n" in advice
    assert "RUN chmod g+x" not in advice
