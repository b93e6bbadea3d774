from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Ambiguity, ImageFacts, ReadState
from scanner.domain.problems import Unavailable
from scanner.domain.verdict import Judgement, Verdict
from scanner.judge import judge, not_applicable_judgement, unknown_judgement
from scanner.policies import KUBERNETES, STRICT
from scanner.report import (
    Json,
    JudgedImage,
    derivation,
    dump_results,
    failed_report,
    identities,
    inspect_report,
    load_results,
    platform_answers,
    verdict_sentence,
)
from tests.support.facts import APP, digest, facts, remapped
from tests.support.files import entry_point, image, node, prepared, program

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=20)
PROBLEM = Unavailable("timeout", "No answer in 15 s.", remedy="Try again.")


def judged(image: ImageFacts, platform: str = "linux/amd64") -> JudgedImage:
    return JudgedImage(platform, image.digest, judge(image, KUBERNETES), image)


def reported(*images: JudgedImage) -> Json:
    return inspect_report("registry.example/app:1", digest(9), "kubernetes", images)


def bare(judgement: Judgement, **rest: object) -> JudgedImage:
    return JudgedImage("linux/arm64", digest(3), judgement, **rest)  # type: ignore[arg-type]  # one of two fields


def test_the_contract() -> None:
    report = reported(judged(remapped()))
    assert {"schema", "reference", "digest", "policy", "verdict", "score", "images", "error"} <= report.keys()
    assert (report["schema"], report["verdict"], report["score"], report["error"]) == (1, "fail", 0, None)
    image = report["images"][0]
    assert (image["platform"], image["user"], image["verdict"], image["score"]) == ("linux/amd64", "app", "fail", 0)
    assert image["identities"]["docker"] == {"uid": 0, "gid": 0, "groups": [], "home": "/root"}
    assert image["platforms"]["kubernetes-run-as-non-root"]["answer"] == "refuse"
    result = next(result for result in image["results"] if result["rule"] == "NR103")
    assert (result["slug"], result["outcome"], result["severity"]) == ("root-in-disguise", "violated", "critical")
    assert result["evidence"]["layer"] == digest(102)
    assert (result["evidence"]["path"], result["evidence"]["line"]) == ("/etc/passwd", 2)
    assert "USER 1001" in result["fix"]


PLATFORMS = [
    "docker-run",
    "podman-run",
    "kubernetes-run-as-non-root",
    "kubernetes-run-as-non-root-before-1.34",
    "pod-security-restricted",
    "openshift-restricted-v2",
    "openshift-restricted-v3",
    "user-namespace",
]


@pytest.mark.parametrize(
    ("user", "docker", "kubelet", "older"),
    [
        ("10001:10001", "admit", "admit", "admit"),
        ("nobody-knows", "refuse", "refuse", "refuse"),
        ("-1", "refuse", "refuse", "admit"),
        ("0", "admit", "refuse", "refuse"),
    ],
)
def test_every_platform_answers(user: str, docker: str, kubelet: str, older: str) -> None:
    answers = platform_answers(prepared(user))
    assert list(answers) == PLATFORMS
    assert answers["docker-run"]["answer"] == docker
    assert answers["openshift-restricted-v2"]["answer"] == "admit"
    assert answers["kubernetes-run-as-non-root"]["answer"] == kubelet
    assert answers["kubernetes-run-as-non-root-before-1.34"]["answer"] == older


def test_both_lines_and_both_layers_of_a_remapped_account() -> None:
    results = reported(judged(remapped()))["images"][0]["results"]
    found = next(result for result in results if result["rule"] == "NR202")["evidence"]
    assert (found["before_layer"], found["layer"]) == (digest(101), digest(102))
    assert (found["before_text"], found["text"]) == (
        "app:x:1001:1001::/home/app:/bin/sh",
        "app:x:0:0::/home/app:/bin/sh",
    )


def test_an_ok_result_has_no_evidence_and_no_fix() -> None:
    result = reported(judged(facts("10001:10001")))["images"][0]["results"][0]
    assert (result["outcome"], result["evidence"], result["fix"], result["reason"]) == ("ok", {}, "", None)


GOOD, BAD = judged(prepared("10001:10001")), judged(facts(""), "linux/arm64")
CHART = bare(not_applicable_judgement("Helm chart"), artifact="Helm chart")
BROKEN = bare(unknown_judgement(PROBLEM), problem=PROBLEM)


@pytest.mark.parametrize(
    ("images", "verdict", "score"),
    [
        ((GOOD,), "pass", GOOD.judgement.score),
        ((GOOD, BAD), "fail", 0),
        ((GOOD, CHART), "pass", GOOD.judgement.score),
        ((GOOD, BROKEN), "unknown", None),
        ((BAD, BROKEN), "fail", 0),
        ((CHART,), "not_applicable", None),
        ((), "not_applicable", None),
    ],
)
def test_the_worst_platform_decides(images: tuple[JudgedImage, ...], verdict: str, score: int | None) -> None:
    report = reported(*images)
    assert (report["verdict"], report["score"]) == (verdict, score)


def test_a_problem_is_told_with_its_remedy() -> None:
    image = reported(BROKEN)["images"][0]
    assert image["problem"] == {"code": "timeout", "message": "No answer in 15 s.", "remedy": "Try again."}
    assert (image["user"], image["identities"], image["derivation"]) == (None, {}, [])


def test_what_could_not_be_inspected() -> None:
    report = failed_report("registry.example/app:1", "kubernetes", PROBLEM)
    assert (report["verdict"], report["score"], report["images"]) == ("unknown", None, [])
    assert report["error"]["code"] == "timeout"


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (facts("app"), "runs as uid 1001 gid 1001, from USER app resolved through /etc/passwd line 2 in layer 1"),
        (remapped(), "runs as root, uid 0 gid 0, from USER app resolved through /etc/passwd line 2 in layer 3"),
        (facts(""), "runs as root, uid 0 gid 0, because the image has no USER"),
        (facts(":1000"), "runs as root, uid 0 gid 1000, because the user half of USER :1000 is empty"),
        (facts("9000"), "runs as uid 9000 gid 0, from USER 9000; no line of /etc/passwd has that uid"),
        (facts("nosuch"), "does not start on Docker: unable to find user nosuch: no matching entries in passwd file"),
        (facts("a\x00b"), "does not start on Docker: unable to find user a\\x00b: no matching entries in passwd file"),
        (
            facts("app", "app:x:-1:5::/:\n"),
            "does not start on Docker: cannot setuid to unmapped uid 4294967295 in user namespace",
        ),
    ],
    ids=lambda value: value.config.user if isinstance(value, ImageFacts) else None,
)
def test_one_sentence(image: ImageFacts, sentence: str) -> None:
    assert verdict_sentence(image) == sentence


def test_the_sentence_says_when_the_command_is_setuid_root() -> None:
    files = {"/srv/run": node("-rwsr-xr-x")}
    found = verdict_sentence(image(files, user="1001", entry=entry_point(program("/srv/run", files))))
    assert found.startswith("runs with the effective uid 0, as its command is setuid root, and otherwise as uid 1001")


def test_the_sentence_says_when_readers_disagree() -> None:
    image = facts("10001", ambiguities=[Ambiguity("folding-key", "/config/user", "User and user")])
    assert verdict_sentence(image, judge(image, KUBERNETES)).endswith("readers of this image disagree, see NR114")


def test_identities_differ_by_runtime() -> None:
    found = identities(facts("9999:9999"))
    assert {name: (found[name]["uid"], found[name]["gid"]) for name in found} == {
        "docker": (9999, 9999),
        "docker-legacy": (9999, 9999),
        "containerd": (9999, 9999),
        "crio": (9999, 0),
        "podman": (9999, 9999),
        "kubernetes": (9999, 0),
    }


def test_an_identity_the_kernel_refuses_is_an_error() -> None:
    assert "error" in identities(facts("app", "app:x:-1:5::/:\n"))["docker"]


def test_what_is_not_computed_is_unknown() -> None:
    answers = platform_answers(facts("10001"))
    assert answers["kubernetes-run-as-non-root"]["answer"] == "admit"
    assert answers["openshift-restricted-v2"]["answer"] == answers["user-namespace"]["answer"] == "unknown"


def test_derivation_ends_at_a_line_in_a_layer() -> None:
    steps = derivation(remapped())
    assert steps[0]["text"] == "the image config says USER `app`"
    step = next(step for step in steps if step.get("quote"))
    assert (step["path"], step["line"], step["layer"], step["layer_number"]) == ("/etc/passwd", 2, digest(102), 3)
    assert step["quote"] == "app:x:0:0::/home/app:/bin/sh"


def test_results_come_back() -> None:
    judgement = judge(remapped(), STRICT)
    assert load_results(json.loads(json.dumps(dump_results(judgement)))) == judgement


def test_results_of_another_schema_are_refused() -> None:
    with pytest.raises(ValueError, match="schema 7"):
        load_results({**dump_results(judge(facts(), STRICT)), "schema": 7})


@given(ANY_TEXT, ANY_TEXT, st.binary(max_size=40), st.sampled_from([None, ReadState.LINK_LOOP]))
def test_hostile_strings_never_reach_postgres_or_a_terminal(
    user: str, history: str, junk: bytes, state: ReadState | None
) -> None:
    versions = [APP.encode(), user.encode("utf-8", "replace") + b":x:0:0::/:\n" + junk]
    ambiguities = [Ambiguity("duplicate-path", user, history, 1)]
    image = facts(user, versions=versions, passwd_state=state, history=[history, history], ambiguities=ambiguities)
    judgement = judge(image, STRICT)
    stored = json.dumps(dump_results(judgement), ensure_ascii=False)
    assert stored.isprintable()
    stored.encode("utf-8")
    json.dumps(reported(judged(image)), ensure_ascii=False).encode("utf-8")
    assert verdict_sentence(image, judgement).isprintable()
    assert judgement.verdict is not Verdict.NOT_APPLICABLE
