from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import FileFacts, Place
from scanner.rules.nr405_ids_above_65535 import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts
from tests.support.files import node


def owning(uid: int, gid: int, *, user: str = "app", group: str = "") -> ImageFacts:
    known = FileFacts(
        highest_uid=Place("/a", node("-rw-r--r--", uid, 0), 0), highest_gid=Place("/b", node("-rw-r--r--", 0, gid), 0)
    )
    return replace(facts(user, group=group, history=["ADD app.tar /"]), files=known)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (owning(0, 0), "ok"),
        (owning(65_535, 65_535), "ok"),
        (owning(65_536, 0), "violated"),
        (owning(0, 65_536), "violated"),
        (owning(0, 0, user="65535:65535"), "ok"),
        (owning(0, 0, user="65536:0"), "violated"),
        (owning(0, 0, user="1001:65536"), "violated"),
        (owning(0, 0, group="big:x:70000:app\n"), "violated"),
        (owning(0, 0, user="nosuch"), "unknown"),
        (owning(70_000, 0, user="nosuch"), "violated"),
        (replace(facts("app"), files=None), "unknown"),
        (replace(facts("100000"), files=None), "violated"),
    ],
)
def test_outcome(image: ImageFacts, expected: str) -> None:
    assert answer(RULE, image) == expected


def test_a_place_that_is_highest_of_both_is_shown_once() -> None:
    both = Place("/a", node("-rw-r--r--", 70_000, 70_000), 0)
    image = replace(owning(0, 0), files=FileFacts(highest_uid=both, highest_gid=both))
    assert [item["path"] for item in RULE.check(image, None).evidence] == ["/a"]


def test_evidence() -> None:
    assert evidence(RULE, owning(70_000, 0))["owner"] == 70_000
    assert evidence(RULE, owning(0, 0, user="100000"))["declared"] == "100000"


def test_fix_of_owners_names_what_made_the_layer() -> None:
    advice = fix(RULE, owning(70_000, 0))
    assert "The layer was made by `ADD app.tar /`" in advice
    assert "COPY --chown=10001:0" in advice
    assert "USER" not in advice


def test_fix_of_a_user() -> None:
    assert "USER 1001:1001" in fix(RULE, owning(0, 0, user="100000"))
