from __future__ import annotations

import pytest

from compliance.policy.tag_view import ImageView, summary, summary_of_strip, tag_view
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.verdict import Verdict
from scanner.policies import KUBERNETES

PASS, FAIL, UNKNOWN, IDLE = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE
OFF = Policy("off", "Off", {"NR112": RuleSetting(enabled=False)})


def image(verdict: Verdict, runs_as: str = "", score: int | None = None, identity: str | None = None) -> ImageView:
    return ImageView(
        f"sha256:{runs_as}",
        "linux/amd64",
        verdict,
        score,
        runs_as,
        ("NR101",) if verdict is FAIL else (),
        10,
        identity=runs_as if identity is None else identity,
    )


@pytest.mark.parametrize(
    ("images", "verdict", "score", "violated"),
    [
        ([], IDLE, None, ()),
        ([image(IDLE)], IDLE, None, ()),
        ([image(PASS, "1:1", 97)], PASS, 97, ()),
        ([image(PASS, "1:1", 97), image(PASS, "1:1", 90)], PASS, 90, ()),
        ([image(PASS, "1:1", 97), image(IDLE)], PASS, 97, ()),
        ([image(FAIL, "0:0", 0), image(FAIL, "0:0", 0)], FAIL, 0, ("NR101",)),
        ([image(PASS, "1:1", 100), image(FAIL, "0:0", 60)], FAIL, 30, ("NR101", "NR112")),
        ([image(PASS, "1:1", 100), image(PASS, "2:2", 90)], FAIL, 60, ("NR112",)),
        ([image(PASS, "1:1", 100), image(PASS, "1:1", 100, "1:1 groups 0")], FAIL, 70, ("NR112",)),
        ([image(PASS, "1:1", 100), image(UNKNOWN)], UNKNOWN, None, ()),
        ([image(FAIL, "0:0", 0), image(UNKNOWN)], FAIL, 0, ("NR101",)),
    ],
)
def test_a_tag_is_its_worst_platform_and_what_they_differ_in(
    images: list[ImageView], verdict: Verdict, score: int | None, violated: tuple[str, ...]
) -> None:
    view = tag_view(images, KUBERNETES)
    assert (view.verdict, view.score, view.violated) == (verdict, score, violated)


def test_a_policy_may_not_compare_them() -> None:
    view = tag_view([image(PASS, "1:1", 100), image(PASS, "2:2", 90)], OFF)
    assert (view.verdict, view.score, view.violated) == (PASS, 90, ())


@pytest.mark.parametrize("identity", ["1:1", "1:1 groups 0", "does not start: no such user"])
def test_a_strip_says_who_it_is(identity: str) -> None:
    seen = image(PASS, "1:1", 100, identity)
    (strip,) = tag_view([seen], KUBERNETES).platforms
    assert summary_of_strip(strip) == summary(seen)
    assert ("identity" in strip) is (identity != "1:1")
