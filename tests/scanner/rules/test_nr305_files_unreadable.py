from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import Node
from scanner.rules.nr305_files_unreadable import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.files import entry_point, image, node, program, tree

APP = {"/srv/app": node("drwxr-xr-x")}


def holding(files: Mapping[str, Node]) -> ImageFacts:
    return image({**APP, **files}, home="/srv/app", working_dir="/srv/app")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "ok"),
        ({"/srv/app/a": node("-rw-r--r--")}, "ok"),
        ({"/srv/app/a": node("-rw-r-----", 1001, 0)}, "ok"),
        ({"/srv/app/a": node("-rw-------")}, "violated"),
        ({"/srv/app/a": node("-rw-r-----", 1001, 1001)}, "violated"),
        ({"/srv/app/a": node("-rw----r--", 1001, 0)}, "violated"),
        ({"/srv/app/d": node("drwxr-x--x", 1001, 1001)}, "violated"),
        ({"/srv/app/d": node("drwxr--r--")}, "violated"),
        ({"/srv/app/d": node("drwx------"), "/srv/app/d/a": node("-rw-r--r--")}, "violated"),
        ({"/srv/app": node("drwx------", 1001), "/srv/app/a": node("-rw-r--r--")}, "violated"),
        ({"/srv": node("drwx------"), "/srv/app/a": node("-rw-r--r--")}, "violated"),
    ],
)
def test_outcome(files: Mapping[str, Node], expected: str) -> None:
    assert answer(RULE, holding(files)) == expected


def test_everything_is_counted_and_some_of_it_shown() -> None:
    secrets = {f"/srv/app/s{at}": node("-rw-------") for at in range(7)}
    found = RULE.check(holding({**secrets, "/srv/app/d": node("drwx------", 5, 5)}), None)
    assert str(found.reason) == (
        "Group 0 cannot read 8 of 8 files and folders below `/srv/app`: `/srv/app/s0`, `/srv/app/s1`, `/srv/app/s2` "
        "and 5 more."
    )
    assert [item["text"] for item in found.evidence] == [
        "7 like this: -rw------- (0600), owner 0:0",
        "this one: drwx------ (0700), owner 5:5",
    ]


def test_evidence_says_when_a_folder_refuses() -> None:
    files = {"/srv/app/d": node("drwx-wx---"), "/srv/app/d/e": node("drwx------"), "/srv/app/d/e/f": node("-rw-r--r--")}
    texts = [item["text"] for item in RULE.check(holding(files), None).evidence]
    assert texts[2] == "this one, in a folder group 0 may not search: drwx------ (0700), owner 0:0"
    assert evidence(RULE, holding(files))["path"] == "/srv/app/d"


def test_the_folder_of_the_command() -> None:
    files = {"/opt/it/server": node("-rwxr-xr-x"), "/opt/it/key": node("-rw-------")}
    facts = image(files, entry=entry_point(program("/opt/it/server", files)))
    assert facts.files is not None
    kept = replace(facts, files=replace(facts.files, trees=(tree("/opt/it", files),)))
    assert answer(RULE, kept) == "violated"
    assert answer(RULE, facts) == "unknown"


def test_folders_of_the_distribution_are_left_out() -> None:
    files = {"/usr/bin/server": node("-rwxr-xr-x"), "/usr/bin/x": node("-rwx------")}
    assert (
        answer(RULE, image(files, working_dir="/usr/bin", entry=entry_point(program("/usr/bin/server", files)))) == "ok"
    )


def test_an_entry_of_two_trees_counts_once() -> None:
    files = {"/srv/app/w/a": node("-rw-------"), "/srv/app/w": node("drwxr-xr-x")}
    facts = image({**APP, **files}, home="/srv/app", working_dir="/srv/app/w")
    assert "1 of 2 files" in str(RULE.check(facts, None).reason)


def test_unknown() -> None:
    facts = holding({"/srv/app/a": node("-rw-r--r--")})
    assert facts.files is not None
    short = tuple(replace(tree, complete=False) for tree in facts.files.trees)
    assert answer(RULE, replace(facts, files=None)) == "unknown"
    assert answer(RULE, replace(facts, files=replace(facts.files, trees=()))) == "unknown"
    assert answer(RULE, replace(facts, files=replace(facts.files, walks={}))) == "unknown"
    assert answer(RULE, replace(facts, files=replace(facts.files, trees=short))) == "unknown"


def test_what_was_seen_is_enough_to_violate() -> None:
    facts = holding({"/srv/app/a": node("-rw-------")})
    assert facts.files is not None
    short = tuple(replace(tree, complete=False) for tree in facts.files.trees)
    found = replace(facts, files=replace(facts.files, trees=short))
    assert answer(RULE, found) == "violated"
    assert "at least 1 of" in str(RULE.check(found, None).reason)


def test_fix() -> None:
    facts = holding({"/srv/app/a": node("-rw-------")})
    assert "RUN chgrp -R 0 /srv/app && chmod -R g+rX /srv/app" in fix(RULE, facts)
    bare = replace(facts, passwd=replace(facts.passwd, content=b"nonroot:x:65532:65532::/:\n"))
    assert "COPY --chown=1001:0 --chmod=0755 app /srv/app" in fix(RULE, bare)


def test_fix_of_a_folder_that_cannot_be_named() -> None:
    files = {"/srv/a b": node("drwxr-xr-x"), "/srv/a b/c": node("-rw-------")}
    assert "```" not in fix(RULE, image(files, working_dir="/srv/a b"))
