"""The answer as JSON and as text: whatever an image calls its things, both are safe to show."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.whatif import what_if
from scanner.whatif.document import Json, as_document
from scanner.whatif.text import as_text
from tests.support.facts import facts, privileged
from tests.support.file_facts import House, command

EVIL = "/srv/\x1b[31mred\u202e\udc80"
HOUSE = House(
    {
        "/srv/": (0o755, 0, 0),
        "/srv/run": (0o755, 0, 0),
        f"{EVIL}/": (0o700, 1001, 1001),
        f"{EVIL}/file": (0o600, 1001, 1001),
    }
)


def image() -> ImageFacts:
    kept = HOUSE.facts(
        "/home/app",
        EVIL,
        trees=[HOUSE.tree(EVIL)],
        command=command(HOUSE.program("/srv/run")),
        privileged=[privileged(f"{EVIL}/su", 0o4755)],
    )
    made = facts("app", files=kept, working_dir=EVIL)
    return replace(made, config=replace(made.config, volumes=(EVIL,)))


def text_of(document: Json) -> str:
    answered = {"platform": "linux/amd64", "digest": "sha256:1", "what_if": document, "artifact": None, "problem": None}
    report = {"reference": "r/a:1", "digest": None, "outcome": document["outcome"], "images": [answered], "error": None}
    return as_text(report)


STARTS = [
    Start(),
    Start(user="3000:0", no_new_privileges=True),
    Start(user="\x1b]0;title\x07"),
    Start(StartedBy.CRIO, openshift_range=(2000, 2999)),
    Start(StartedBy.CRIO, openshift_range=(2000, 2999), run_as_user=1),
    Start(user_namespace=UserNamespace(5)),
]


@pytest.mark.parametrize("start", STARTS)
def test_everything_can_be_shown(start: Start) -> None:
    document = as_document(what_if(image(), start))
    told = text_of(json.loads(json.dumps(document))) + json.dumps(document, ensure_ascii=False)
    assert all(line.isprintable() for line in told.splitlines())
    assert told.encode("utf-8")


def test_losses_name_the_place_and_its_owner() -> None:
    told = text_of(as_document(what_if(image(), Start(user="3000:0", no_new_privileges=True))))
    for text in (
        "r/a:1  BREAKS",
        "linux/amd64  it starts, and something that worked does not",
        r"list WORKDIR /srv/\x1b[31mred\u202e\x80: /srv/\x1b[31mred\u202e\x80 is mode 0700, owner 1001:1001",
        r"read 1 file below /srv/\x1b[31mred",
        "setuid or setgid of 1 program",
        "Nothing is mounted at the VOLUMEs",
    ):
        assert text in told


def test_a_count_that_ended_early_says_at_least() -> None:
    made = image()
    assert made.files is not None
    made = replace(made, files=replace(made.files, trees=(HOUSE.tree(EVIL, complete=False),)))
    document = as_document(what_if(made, Start(user="3000:0")))
    assert document["consequences"]["trees"][0]["at_least"] is True
    assert "read at least 1 file below" in text_of(document)


def test_who_refuses_is_named() -> None:
    start = Start(StartedBy.CRIO, openshift_range=(2000, 2999), run_as_user=1)
    document = as_document(what_if(image(), start))
    assert (document["outcome"], document["refused_by"]) == ("stopped", "openshift-admission")
    assert "OpenShift says: unable to validate" in text_of(document)
    assert document["consequences"] is None


def test_only_settings_that_are_set_are_named() -> None:
    document = as_document(what_if(image(), Start(StartedBy.KUBERNETES, run_as_user=0)))
    assert document["start"] == {"by": "kubernetes", "run_as_user": 0, "merge_groups": True}


def test_a_windows_image_shows_no_ids() -> None:
    made = image()
    windows = replace(made, config=replace(made.config, platform=replace(made.config.platform, os="windows")))
    document = as_document(what_if(windows, Start(user="5")))
    assert (document["identity"], document["declared"], document["derivation"]) == (None, None, [])
    assert "A Windows image has no uids" in text_of(document)
