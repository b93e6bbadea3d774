"""What of an outline makes findings, held against what the judge says of the same outline."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.cause import (
    ABOUT_USER,
    ACROSS,
    LONGEST_SUBJECT,
    RUNS_AS_ROOT,
    Cause,
    asked_for,
    causes_across,
    causes_of,
    subject_of,
)
from scanner.domain.outline import Answer, Outline, dump_outline
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Outcome, Severity, Verdict
from scanner.judge import NOT_RUNNABLE, REVISION, UNREAD, apply
from scanner.rulebook import RULES

OK, VIOLATED, UNKNOWN = Answer(Outcome.OK), Answer(Outcome.VIOLATED), Answer(Outcome.UNKNOWN)
_LOW = Severity.LOW
_UID_500 = Answer(Outcome.OK, _LOW, 500)
FAILS_AT_HIGH = Policy("strict", "Strict", fails_at=Severity.HIGH)


def outline(said: Mapping[str, Answer], *, unconfirmed: bool = False) -> Outline:
    return Outline(REVISION, {rule.id: OK for rule in RULES} | dict(said), unconfirmed=unconfirmed)


def text(said: Mapping[str, Answer], *, unconfirmed: bool = False) -> str:
    return dump_outline(outline(said, unconfirmed=unconfirmed))


@pytest.mark.parametrize(
    ("said", "setting", "violated", "unknown"),
    [
        ({}, {}, (), ()),
        ({"NR101": VIOLATED}, {}, (Cause("NR101", 0, True),), ()),
        ({"NR101": VIOLATED}, {"NR101": RuleSetting(enabled=False)}, (), ()),
        ({"NR101": VIOLATED}, {"NR101": RuleSetting(severity=Severity.LOW)}, (Cause("NR101", 3, False),), ()),
        ({"NR101": VIOLATED}, {"NR101": RuleSetting(fails=True, severity=_LOW)}, (Cause("NR101", 3, True),), ()),
        ({"NR101": Answer(Outcome.VIOLATED, Severity.INFO)}, {}, (Cause("NR101", 4, False),), ()),
        ({"NR503": VIOLATED}, {"NR503": RuleSetting(fails=True, severity=_LOW)}, (Cause("NR503", 3, False),), ()),
        ({"NR101": UNKNOWN}, {}, (), ("NR101",)),
        ({"NR101": UNKNOWN}, {"NR101": RuleSetting(enabled=False)}, (), ()),
        ({"NR107": _UID_500}, {"NR107": RuleSetting(threshold=500)}, (), ()),
        ({"NR107": _UID_500}, {"NR107": RuleSetting(threshold=501)}, (Cause("NR107", 3, False),), ()),
    ],
)  # fmt: skip
def test_table(
    said: Mapping[str, Answer],
    setting: Mapping[str, RuleSetting],
    violated: tuple[Cause, ...],
    unknown: tuple[str, ...],
) -> None:
    found = causes_of(text(said), Policy("p", "P", setting, fails_at=Severity.HIGH))
    assert (found.violated, found.unknown) == (violated, frozenset(unknown))


@pytest.mark.parametrize(
    ("stored", "blind", "verdict"),
    [
        (dump_outline(UNREAD), True, Verdict.UNKNOWN),
        (dump_outline(NOT_RUNNABLE), False, Verdict.NOT_APPLICABLE),
        ("not an outline", True, Verdict.UNKNOWN),
        (text({}), False, Verdict.PASS),
        (text({}, unconfirmed=True), False, Verdict.UNKNOWN),
        (text({"NR101": VIOLATED}), False, Verdict.FAIL),
        (text({"NR101": VIOLATED, "NR102": UNKNOWN}), False, Verdict.FAIL),
        (text({"NR101": VIOLATED, "NR503": UNKNOWN}), False, Verdict.FAIL),
    ],
)
def test_what_nobody_can_say(stored: str, verdict: Verdict, *, blind: bool) -> None:
    found = causes_of(stored, FAILS_AT_HIGH)
    assert (found.blind, found.verdict) == (blind, verdict)


def test_a_rule_without_an_answer_is_unknown() -> None:
    assert causes_of(dump_outline(Outline(REVISION)), FAILS_AT_HIGH).unknown == set(asked_for(FAILS_AT_HIGH))


_ANSWERS = st.builds(
    Answer,
    st.sampled_from(Outcome),
    st.none() | st.sampled_from(Severity),
    st.none() | st.integers(0, 3000),
)
_SETTINGS = st.builds(
    RuleSetting, st.booleans(), st.booleans(), st.none() | st.sampled_from(Severity), st.none() | st.integers(0, 3000)
)
_IDS = st.sampled_from([rule.id for rule in RULES])


@given(
    st.dictionaries(_IDS, _ANSWERS),
    st.booleans(),
    st.dictionaries(_IDS, _SETTINGS),
    st.none() | st.sampled_from(Severity),
)
def test_it_says_what_the_judge_says(
    said: dict[str, Answer], unconfirmed: bool, settings: dict[str, RuleSetting], fails_at: Severity | None
) -> None:
    policy = Policy("p", "P", settings, fails_at=fails_at)
    asked = outline(said, unconfirmed=unconfirmed)
    applied, found = apply(policy, asked), causes_of(dump_outline(asked), policy)
    assert tuple(cause.rule for cause in found.violated) == applied.violated
    assert tuple(cause.rule for cause in found.violated if cause.decides) == applied.failed_on
    assert set(applied.unsure_of) <= found.unknown
    assert found.verdict is applied.verdict


@pytest.mark.parametrize(
    ("platforms", "violated", "unknown"),
    [
        ([("1:1", Verdict.PASS)], False, False),
        ([("1:1", Verdict.PASS), ("1:1", Verdict.PASS)], False, False),
        ([("1:1", Verdict.PASS), ("0:0", Verdict.FAIL)], True, False),
        ([("1:1", Verdict.PASS), ("", Verdict.UNKNOWN)], False, True),
        ([("1:1", Verdict.PASS), ("0:0", Verdict.FAIL), ("", Verdict.UNKNOWN)], True, False),
        ([("1:1", Verdict.PASS), ("", Verdict.NOT_APPLICABLE)], False, False),
    ],
)
def test_platforms_are_compared(platforms: list[tuple[str, Verdict]], *, violated: bool, unknown: bool) -> None:
    summaries = [PlatformSummary("linux/amd64", "", verdict, identity) for identity, verdict in platforms]
    found = causes_across(summaries, FAILS_AT_HIGH)
    assert [cause.rule for cause in found.violated] == (["NR112"] if violated else [])
    assert found.unknown == ({"NR112"} if unknown else set())
    assert causes_across(summaries, Policy("off", "", {"NR112": RuleSetting(enabled=False)})).violated == ()


@pytest.mark.parametrize("decides", [True, False])
def test_whether_platforms_decide_is_the_policy_s(*, decides: bool) -> None:
    policy = Policy("p", "P", {"NR112": RuleSetting(fails=decides, severity=_LOW)})
    platforms = [
        PlatformSummary("linux/amd64", "", verdict, identity)
        for verdict, identity in ((Verdict.PASS, "1:1"), (Verdict.FAIL, "0:0"))
    ]
    assert causes_across(platforms, policy).violated == (Cause("NR112", 3, decides),)


def test_what_is_asked_for_is_what_is_switched_on() -> None:
    without = Policy("p", "P", {"NR101": RuleSetting(enabled=False)})
    assert set(asked_for(Policy("p", "P"))) - set(asked_for(without)) == {"NR101"}


@pytest.mark.parametrize(
    ("rule", "user", "subject"),
    [
        ("NR101", "", ""),
        ("NR102", "root", "root"),
        ("NR105", "app:docker", "app:docker"),
        ("NR301", "root", ""),
        ("NR109", "1001", ""),
        ("NR115", "x" * 200, "x" * 200),
        ("NR115", "x" * 201, f"{'x' * 180} [{sha256(b'x' * 201).hexdigest()[:16]}]"),
    ],
)
def test_subjects(rule: str, user: str, subject: str) -> None:
    assert subject_of(rule, user) == subject


def test_what_is_about_who_runs() -> None:
    about_user = {rule.id for rule in RULES if subject_of(rule.id, "root")}
    assert about_user == {*(f"NR10{number}" for number in range(1, 9)), "NR110", "NR111", "NR113", "NR115"}
    assert {"NR101", "NR102", "NR103"} == RUNS_AS_ROOT


def test_subjects_that_are_cut_stay_different() -> None:
    one, other = (subject_of("NR101", "x" * LONGEST_SUBJECT + end) for end in "ab")
    assert one != other
    assert len(one) <= LONGEST_SUBJECT >= len(other)


def test_every_rule_named_here_exists() -> None:
    assert {rule.id for rule in RULES} >= ABOUT_USER | ACROSS
    assert {"NR112"} == ACROSS
