"""Images of one reference, judged together."""

from __future__ import annotations

from scanner.command_line import judged_together
from scanner.domain.facts import ImageFacts
from scanner.domain.problems import ImageProblem
from scanner.domain.verdict import Outcome, Verdict
from scanner.inspection import InspectedImage
from scanner.policies import BASELINE
from scanner.report import JudgedImage, inspect_report
from tests.support.clean import clean
from tests.support.facts import digest

ATTESTATION = InspectedImage("unknown/unknown", digest(8), artifact="attestation")
BROKEN = InspectedImage("linux/s390x", digest(9), problem=ImageProblem("bad-tar", "The layer is not a tar."))


def image(found: ImageFacts, number: int) -> InspectedImage:
    return InspectedImage(f"linux/arch{number}", digest(number), facts=found)


def compared(images: list[JudgedImage]) -> list[Outcome]:
    return [result.outcome for each in images for result in each.judgement.results if result.rule == "NR112"]


def test_platforms_that_differ_fail_with_their_index() -> None:
    judged = judged_together([image(clean("10001:10001"), 1), image(clean("20001:20001"), 2), ATTESTATION], BASELINE)
    assert compared(judged) == [Outcome.VIOLATED, Outcome.VIOLATED, Outcome.NOT_APPLICABLE]
    verdicts = [each.judgement.verdict for each in judged]
    assert verdicts == [Verdict.FAIL, Verdict.FAIL, Verdict.NOT_APPLICABLE]
    report = inspect_report("r/app:1", digest(3), "baseline", judged)
    assert (report["verdict"], report["score"]) == ("fail", 70)
    assert report["images"][0]["failed_on"] == ["NR112"]


def test_platforms_that_are_alike_pass() -> None:
    judged = judged_together([image(clean("10001:10001"), 1), image(clean("10001:10001"), 2)], BASELINE)
    assert compared(judged) == [Outcome.OK, Outcome.OK]
    assert {each.judgement.verdict for each in judged} == {Verdict.PASS}


def test_one_image_is_not_compared() -> None:
    judged = judged_together([image(clean("10001:10001"), 1), ATTESTATION], BASELINE)
    assert compared(judged) == [Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE]
    assert judged[0].judgement.verdict is Verdict.PASS


def test_a_platform_that_cannot_be_read_leaves_the_rest_unknown() -> None:
    judged = judged_together([image(clean("10001:10001"), 1), BROKEN], BASELINE)
    assert compared(judged) == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert {each.judgement.verdict for each in judged} == {Verdict.UNKNOWN}
