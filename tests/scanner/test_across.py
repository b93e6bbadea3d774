from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from scanner import across
from scanner.across import Compared, compare, identity_word, with_results
from scanner.domain.facts import ImageFacts
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.rule import Finding, PlatformSummary
from scanner.domain.verdict import Outcome, Severity, Verdict
from scanner.judge import judge
from scanner.policies import BASELINE, POLICIES
from scanner.rulebook import RULES
from tests.support.clean import clean
from tests.support.facts import P0, P0_GROUP, facts

OFF = Policy("off", "Off", {"NR112": RuleSetting(enabled=False)})
SHOWN = Policy("shown", "Shown")


def summaries(*images: ImageFacts, policy: Policy = BASELINE) -> list[PlatformSummary]:
    return [
        PlatformSummary(f"linux/{at}", f"sha256:{at}", judge(image, policy).verdict, identity_word(image))
        for at, image in enumerate(images)
    ]


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (facts("1001"), "1001:1001"),
        (facts("app", P0, P0_GROUP), "1000:1000 groups 10,998"),
        (facts(""), "0:0"),
        (facts("nosuch"), "does not start: unable to find user nosuch: no matching entries in passwd file"),
    ],
)
def test_an_identity_in_one_word(image: ImageFacts, word: str) -> None:
    assert identity_word(image) == word


def test_long_words_are_cut_and_stay_different() -> None:
    one, other = identity_word(facts("x" * 5_000 + "1")), identity_word(facts("x" * 5_000 + "2"))
    assert one != other
    assert max(len(one), len(other)) <= across.LONGEST_IDENTITY


def test_control_characters_are_made_visible_and_stay_different() -> None:
    assert identity_word(facts("a\x00b")) != identity_word(facts("a\\x00b"))
    assert "\x00" not in identity_word(facts("a\x00b"))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_every_shipped_policy_fails_where_two_that_pass_are_not_the_same(policy: Policy) -> None:
    found = compare(summaries(clean("10001:10001"), clean("20001:20001"), policy=policy), policy)
    assert (found.verdict, found.violated, found.lost) == (Verdict.FAIL, ("NR112",), 30)
    assert found.total(Verdict.PASS, 100) == (Verdict.FAIL, 70)


@pytest.mark.parametrize(
    ("policy", "total", "violated"), [(OFF, (Verdict.PASS, 100), ()), (SHOWN, (Verdict.PASS, 70), ("NR112",))]
)
def test_the_policy_says_what_it_is_worth(
    policy: Policy, total: tuple[Verdict, int], violated: tuple[str, ...]
) -> None:
    found = compare(summaries(clean("10001:10001"), clean("20001:20001")), policy)
    assert (found.total(Verdict.PASS, 100), found.violated) == (total, violated)


def test_a_platform_nobody_knows_makes_it_unknown() -> None:
    known = summaries(clean("10001:10001"))
    found = compare([*known, PlatformSummary("linux/arm", "sha256:2", Verdict.UNKNOWN, "")], BASELINE)
    assert (found.verdict, found.violated) == (Verdict.UNKNOWN, ())
    assert found.total(Verdict.PASS, 100) == (Verdict.UNKNOWN, None)


@pytest.mark.parametrize("count", [0, 1])
def test_one_platform_says_nothing(count: int) -> None:
    assert compare(summaries(clean("10001"))[:count], BASELINE) == Compared()


def test_a_rule_that_raises_is_unknown() -> None:
    def raising(_platforms: Sequence[PlatformSummary]) -> Finding:
        raise RecursionError("hostile")

    rules = [dataclasses.replace(rule, across=raising) if rule.id == "NR112" else rule for rule in RULES]
    found = compare(summaries(clean("10001"), clean("10001")), BASELINE, rules)
    assert (found.verdict, found.results[0].outcome) == (Verdict.UNKNOWN, Outcome.UNKNOWN)


def test_the_image_says_what_was_said_of_its_index() -> None:
    results = compare(summaries(clean("10001:10001"), clean("20001:20001")), BASELINE).results
    judged = with_results(judge(clean("10001:10001"), BASELINE), results, BASELINE)
    assert (judged.verdict, judged.score, judged.failed_on) == (Verdict.FAIL, 70, ("NR112",))
    assert [result.severity for result in judged.results if result.rule == "NR112"] == [Severity.HIGH]


def test_an_image_by_itself_stays_as_it_is() -> None:
    judged = judge(clean("10001:10001"), BASELINE)
    assert with_results(judged, (), BASELINE) is judged
