from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import ImageFacts, ReadState
from scanner.domain.identity import AccountBytes, Identity, Runtime, resolve, will_not_start
from scanner.domain.outline import dump_outline, load_outline
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.problems import ImageProblem
from scanner.domain.rule import Finding, Rule
from scanner.domain.verdict import Judgement, Outcome, Severity, Verdict
from scanner.judge import apply, ask, counts_against, judge, not_applicable_judgement, outline, unknown_judgement
from scanner.policies import BASELINE, KUBERNETES, POLICIES, STRICT
from scanner.rulebook import RULES
from tests.scanner.domain.identity_rows import FILES, ROWS, Row
from tests.support.clean import clean
from tests.support.facts import facts, remapped

GOOD = clean("10001:10001")
IDENTITY_RULES = ("NR101", "NR102", "NR103", "NR104", "NR106")


def row_facts(row: Row) -> ImageFacts:
    passwd, group = FILES[row.files]
    return facts(row.user, passwd, group)


def outcomes(judgement: Judgement) -> dict[str, Outcome]:
    return {result.rule: result.outcome for result in judgement.results}


def answering(rule: Rule, finding: Finding) -> Rule:
    return dataclasses.replace(rule, check=lambda _facts, _threshold: finding)


def raising(rule: Rule) -> Rule:
    def check(_facts: ImageFacts, _threshold: int | None) -> Finding:
        raise RecursionError("hostile")

    return dataclasses.replace(rule, check=check)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_no_row_of_the_oracle_table_passes_as_root_or_without_starting(row: Row, policy: Policy) -> None:
    image = row_facts(row)
    judgement = judge(image, policy)
    answer = resolve(Runtime.DOCKER, row.user, AccountBytes(*FILES[row.files])).answer
    if not isinstance(answer, Identity) or will_not_start(answer) is not None:
        assert judgement.verdict is not Verdict.PASS
    elif answer.uid == 0:
        assert judgement.verdict is Verdict.FAIL


@pytest.mark.parametrize("runtime", [Runtime.DOCKER_LEGACY, Runtime.KUBERNETES])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_root_under_another_runtime_never_passes(row: Row, runtime: Runtime) -> None:
    answer = resolve(runtime, row.user, AccountBytes(*FILES[row.files])).answer
    if isinstance(answer, Identity) and answer.uid == 0:
        assert judge(row_facts(row), BASELINE).verdict is Verdict.FAIL


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_exactly_one_root_rule_for_root(row: Row) -> None:
    found = outcomes(judge(row_facts(row), BASELINE))
    violated = [rule for rule in ("NR101", "NR102", "NR103") if found[rule] is Outcome.VIOLATED]
    answer = resolve(Runtime.DOCKER, row.user, AccountBytes(*FILES[row.files])).answer
    if isinstance(answer, Identity):
        assert len(violated) == (1 if answer.uid == 0 else 0)


NAMES = st.sampled_from(
    ["", "root", "app", "0", "00", "-0", "+0", "-1", "1000", "nosuch", " app", "4294967296", "#", "+"]
)
FIELDS = st.sampled_from(["0", "1000", " 1000", "", "abc", "-1", "4294967296", "4294967295", "99999999999999999999"])
LINES = st.builds(lambda name, uid, gid: f"{name}:x:{uid}:{gid}::/:", NAMES, FIELDS, FIELDS) | st.sampled_from(
    ["#", "app"]
)
FILE = st.none() | st.lists(LINES, max_size=5).map("\n".join)
STATES = st.none() | st.sampled_from([ReadState.LINK_LOOP, ReadState.TOO_LARGE, ReadState.NOT_REGULAR])


@given(NAMES, NAMES, FILE, FILE, STATES, STATES, st.sampled_from(POLICIES))
def test_root_and_start_errors_never_pass(
    user: str,
    group: str,
    passwd: str | None,
    groups: str | None,
    passwd_state: ReadState | None,
    group_state: ReadState | None,
    policy: Policy,
) -> None:
    image = facts(
        f"{user}:{group}" if group else user, passwd, groups, passwd_state=passwd_state, group_state=group_state
    )
    judgement = judge(image, policy)
    answer = resolve(
        Runtime.DOCKER, image.config.user, AccountBytes(image.passwd.as_read(), image.group.as_read())
    ).answer
    readable = not {image.passwd.state, image.group.state} & {ReadState.LINK_LOOP, ReadState.TOO_LARGE}
    starts = readable and isinstance(answer, Identity) and will_not_start(answer) is None
    if judgement.verdict is Verdict.PASS:
        assert starts
        assert isinstance(answer, Identity)
        assert answer.uid != 0
    if not starts:
        found = outcomes(judgement)
        assert any(found[rule] in (Outcome.VIOLATED, Outcome.UNKNOWN) for rule in IDENTITY_RULES)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("position", range(len(RULES)), ids=lambda at: RULES[at].id)
def test_a_rule_that_raises_is_unknown_and_never_a_pass_it_decides(position: int, policy: Policy) -> None:
    rules = [raising(rule) if at == position else rule for at, rule in enumerate(RULES)]
    judgement = judge(GOOD, policy, rules)
    rule = RULES[position]
    if not policy.setting(rule.id).enabled:
        assert rule.id not in outcomes(judgement)
        return
    broken = next(result for result in judgement.results if result.rule == rule.id)
    assert broken.outcome is Outcome.UNKNOWN
    assert "RecursionError" in str(broken.reason)
    assert "hostile" not in str(broken.reason)
    decides = counts_against(policy, rule, broken.severity)
    assert judgement.verdict is (Verdict.UNKNOWN if decides else Verdict.PASS)


def test_every_rule_raising_is_unknown() -> None:
    judgement = judge(GOOD, BASELINE, [raising(rule) for rule in RULES])
    assert (judgement.verdict, judgement.score) == (Verdict.UNKNOWN, None)


@pytest.mark.parametrize("worse", [True, False])
def test_fail_beats_unknown(worse: bool) -> None:
    rules = [raising(rule) if rule.id == "NR114" else rule for rule in RULES]
    judgement = judge(facts("" if worse else "10001"), BASELINE, rules)
    assert judgement.verdict is (Verdict.FAIL if worse else Verdict.UNKNOWN)


def test_an_unknown_without_a_reason_gets_one() -> None:
    result = judge(GOOD, BASELINE, [answering(RULES[0], Finding(Outcome.UNKNOWN))]).results[0]
    assert result.reason


def test_a_rule_that_is_off_is_not_asked() -> None:
    policy = Policy("mine", "Mine", {"NR101": RuleSetting(enabled=False)})
    assert "NR101" not in outcomes(judge(facts(""), policy))


def test_a_rule_that_does_not_fail_still_costs_points() -> None:
    judgement = judge(facts(""), Policy("mine", "Mine"))
    assert (judgement.verdict, judgement.score) == (Verdict.PASS, 0)


def test_the_policy_sets_severity_and_threshold() -> None:
    policy = Policy("mine", "Mine", {"NR107": RuleSetting(severity=Severity.HIGH, threshold=20_000)})
    result = next(result for result in judge(GOOD, policy).results if result.rule == "NR107")
    assert (result.outcome, result.severity) == (Outcome.VIOLATED, Severity.HIGH)


def test_a_finding_can_raise_the_severity() -> None:
    result = next(result for result in judge(remapped(), KUBERNETES).results if result.rule == "NR202")
    assert result.severity is Severity.CRITICAL


def test_results_come_in_the_order_of_the_rulebook_and_twice_the_same() -> None:
    judgement = judge(remapped(), STRICT)
    assert [result.rule for result in judgement.results] == [rule.id for rule in RULES]
    assert judgement == judge(remapped(), STRICT)


def test_what_could_not_be_read_is_unknown_for_every_rule() -> None:
    judgement = unknown_judgement(ImageProblem("bad-tar", "The layer is not a tar."))
    assert (judgement.verdict, judgement.score) == (Verdict.UNKNOWN, None)
    assert {result.reason for result in judgement.results} == {"The layer is not a tar."}
    assert set(outcomes(judgement).values()) == {Outcome.UNKNOWN}


def test_what_cannot_run_is_not_applicable() -> None:
    judgement = not_applicable_judgement("Helm chart")
    assert (judgement.verdict, judgement.score) == (Verdict.NOT_APPLICABLE, None)
    assert set(outcomes(judgement).values()) == {Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("settings", [{}, {"NR107": RuleSetting(threshold=5)}, KUBERNETES.settings])
def test_tables_of_contents_are_never_a_pass(settings: Mapping[str, RuleSetting]) -> None:
    policy = dataclasses.replace(KUBERNETES, settings=settings)
    told = dataclasses.replace(GOOD, from_toc=True)
    assert judge(GOOD, policy).verdict is Verdict.PASS
    stored = load_outline(dump_outline(outline(ask(told), unconfirmed=told.from_toc)))
    assert judge(told, policy).verdict is apply(policy, stored).verdict is Verdict.UNKNOWN
