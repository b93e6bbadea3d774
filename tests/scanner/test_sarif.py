from __future__ import annotations

import json

import pytest

from scanner.domain.problems import Unavailable
from scanner.judge import judge, unknown_judgement
from scanner.policies import OPENSHIFT, STRICT
from scanner.report import Json, JudgedImage, failed_report, inspect_report
from scanner.rulebook import RULES
from scanner.sarif import as_sarif
from tests.support.clean import clean
from tests.support.facts import digest, facts, remapped

PROBLEM = Unavailable("timeout", "No answer.")


def sarif(*images: JudgedImage) -> Json:
    return as_sarif(inspect_report("registry.example/app:1", digest(9), "strict", images))


def judged(user: str) -> JudgedImage:
    image = facts(user)
    return JudgedImage("linux/amd64", image.digest, judge(image, STRICT), image)


def remapped_log() -> Json:
    image = remapped()
    return sarif(JudgedImage("linux/amd64", image.digest, judge(image, STRICT), image))


def test_log_has_what_the_standard_requires() -> None:
    log = remapped_log()
    assert log["version"] == "2.1.0"
    run = log["runs"][0]
    assert run["tool"]["driver"]["name"] == "Plimsoll"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.id for rule in RULES]
    assert run["invocations"][0]["executionSuccessful"] is True
    json.dumps(log).encode("ascii")


def test_results_point_at_their_rule_and_their_line() -> None:
    run = remapped_log()["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    disguise = next(result for result in run["results"] if result["ruleId"] == "NR103")
    place = disguise["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "etc/passwd"
    assert place["region"] == {"startLine": 2, "snippet": {"text": "app:x:0:0::/home/app:/bin/sh"}}


@pytest.mark.parametrize(
    ("user", "rule", "kind", "level"),
    [
        ("", "NR101", "fail", "error"),
        ("999:999", "NR107", "fail", "warning"),
        ("10001", "NR110", "fail", "note"),
        ("nosuch", "NR103", "open", "none"),
    ],
)
def test_kind_and_level(user: str, rule: str, kind: str, level: str) -> None:
    result = next(result for result in sarif(judged(user))["runs"][0]["results"] if result["ruleId"] == rule)
    assert (result["kind"], result["level"]) == (kind, level)


def test_a_clean_image_has_no_results() -> None:
    image = clean("10002")
    found = sarif(JudgedImage("linux/amd64", image.digest, judge(image, OPENSHIFT), image))
    assert found["runs"][0]["results"] == []


def test_problems_are_notifications() -> None:
    broken = JudgedImage("linux/amd64", digest(3), unknown_judgement(PROBLEM), problem=PROBLEM)
    run = sarif(broken)["runs"][0]
    assert run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"] == {"id": "timeout"}
    assert {result["kind"] for result in run["results"]} == {"open"}


def test_what_could_not_be_inspected_was_no_success() -> None:
    run = as_sarif(failed_report("registry.example/app:1", "strict", PROBLEM))["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
