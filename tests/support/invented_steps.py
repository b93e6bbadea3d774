"""What invented fleets are made of, and what happens to them: values and strategies, without rows."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from scanner.domain import policy as domain
from scanner.domain.outline import Answer
from scanner.domain.outline import Outline as OutlineValue
from scanner.domain.policy import RuleSetting
from scanner.domain.verdict import Outcome, Severity
from scanner.judge import NOT_RUNNABLE, REVISION, UNREAD
from scanner.rulebook import RULES

PLATFORMS = ("linux/amd64", "linux/arm64", "")
TAGS = ("1.0", "2.0", "latest")
PROTECTED = ["*.0"]
ASKED = ("NR101", "NR102", "NR105", "NR107", "NR301")
OK, VIOLATED, UNKNOWN = Answer(Outcome.OK), Answer(Outcome.VIOLATED), Answer(Outcome.UNKNOWN)
NEVER_LEFT = {"NR112"}
"""What no image is asked."""

POLICIES = (
    domain.Policy("p", "P", {"NR101": RuleSetting(fails=True), "NR301": RuleSetting(fails=True)}),
    domain.Policy("p", "P", {"NR101": RuleSetting(enabled=False), "NR107": RuleSetting(threshold=2_000, fails=True)}),
    domain.Policy(
        "p", "P", {"NR105": RuleSetting(severity=Severity.CRITICAL), "NR112": RuleSetting(fails=True)},
        fails_at=Severity.HIGH,
    ),
    domain.Policy("p", "P", {"NR112": RuleSetting(enabled=False), "NR301": RuleSetting(enabled=False)}),
)  # fmt: skip

answers = st.sampled_from([OK, OK, VIOLATED, VIOLATED, UNKNOWN, Answer(Outcome.VIOLATED, Severity.INFO)])
uid_answers = st.sampled_from([OK, Answer(Outcome.OK, Severity.LOW, 1_500), UNKNOWN])


@st.composite
def outlines(draw: st.DrawFn) -> OutlineValue:
    kind = draw(st.sampled_from(["asked"] * 6 + ["unread", "artifact"]))
    if kind != "asked":
        return UNREAD if kind == "unread" else NOT_RUNNABLE
    said = {rule.id: OK for rule in RULES} | {rule: draw(answers) for rule in ASKED} | {"NR107": draw(uid_answers)}
    return OutlineValue(REVISION, said)


@dataclass(frozen=True)
class ImageMade:
    """What an image of an invented fleet says."""

    outline: OutlineValue
    user: str
    uid: int | None
    platform: str
    stale: bool = False


images = st.builds(
    ImageMade,
    outlines(),
    st.sampled_from(["", "root", "app", "x" * 201, "x" * 200 + "y"]),
    st.sampled_from([0, 0, 1001, None]),
    st.sampled_from(PLATFORMS),
    st.sampled_from([False] * 9 + [True]),
)
indexes = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(PLATFORMS)), min_size=0, max_size=4)


@dataclass(frozen=True)
class Point:
    """A tag points to an image, to an index, or to nothing that could be read."""

    tag: str
    target: tuple[str, int] | None
    confirmed: bool = True


@dataclass(frozen=True)
class Delete:
    """A tag is gone."""

    tag: str


@dataclass(frozen=True)
class Judge:
    """Another policy counts, and everything is judged by it."""

    policy: int


targets = st.one_of(
    st.none(), st.tuples(st.just("image"), st.integers(0, 7)), st.tuples(st.just("index"), st.integers(0, 3))
)
steps = st.lists(
    st.one_of(
        st.lists(
            st.builds(Point, st.sampled_from(TAGS), targets, st.sampled_from([True, True, True, False])),
            min_size=1,
            max_size=3,
            unique_by=lambda point: point.tag,
        ),
        st.builds(Delete, st.sampled_from(TAGS)),
        st.builds(Judge, st.integers(0, len(POLICIES) - 1)),
    ),
    min_size=1,
    max_size=7,
)
