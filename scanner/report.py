"""What ``python -m scanner inspect`` prints, and how results are stored: schema-numbered, and safe to show.

The object is a contract: fields may be added, never renamed. Everything that came out of an image passes through
``printable`` on the way here, except USER itself, which is given verbatim (only what JSON cannot carry is replaced).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanner.domain.evidence import layer_at, layer_number, made_by
from scanner.domain.execution import root_command
from scanner.domain.facts import AccountFile, ImageFacts, Layer
from scanner.domain.identity import RUNNERS, Resolution, Runtime, StartError, process_groups, will_not_start
from scanner.domain.permissions import Process
from scanner.domain.printable import printable, quoted, safe_evidence
from scanner.domain.problems import ScanProblem
from scanner.domain.reading import Kind, read
from scanner.domain.resolution import resolve_facts
from scanner.domain.verdict import Judgement, Outcome, RuleResult, Severity, Verdict, worst
from scanner.platforms.answer import PlatformAnswer
from scanner.platforms.docker import docker_run, podman_run
from scanner.platforms.kubernetes import pod_security_restricted, run_as_non_root, run_as_non_root_before_1_34
from scanner.platforms.openshift import restricted_v2, restricted_v3
from scanner.platforms.user_namespaces import user_namespace
from scanner.storage import dump_facts, load_facts

__all__ = [
    "SCHEMA",
    "JudgedImage",
    "derivation",
    "dump_facts",
    "dump_results",
    "identities",
    "inspect_report",
    "load_facts",
    "load_results",
    "platform_answers",
    "printable",
    "verdict_sentence",
]

SCHEMA = 1
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """One image of a reference with its judgement; one of ``facts``, ``problem`` and ``artifact`` is set."""

    platform: str
    digest: str
    judgement: Judgement
    facts: ImageFacts | None = None
    problem: ScanProblem | None = None
    artifact: str | None = None


def inspect_report(reference: str, digest: str | None, policy: str, images: Sequence[JudgedImage]) -> Json:
    """The whole answer for one reference; the worst platform decides."""
    verdict = worst(image.judgement.verdict for image in images)
    scores = [image.judgement.score for image in images if image.judgement.score is not None]
    scored = verdict in (Verdict.PASS, Verdict.FAIL) and scores
    return {
        "schema": SCHEMA,
        "reference": printable(reference),
        "digest": digest,
        "policy": policy,
        "verdict": verdict.value,
        "score": min(scores) if scored else None,
        "images": [_image(image) for image in images],
        "error": None,
    }


def failed_report(reference: str, policy: str, problem: ScanProblem) -> Json:
    """The answer where nothing could be inspected."""
    report = inspect_report(reference, None, policy, ())
    return {**report, "verdict": Verdict.UNKNOWN.value, "error": _problem(problem)}


def identities(facts: ImageFacts) -> dict[str, Json]:
    """Who it runs as under each runtime that starts containers: an identity or ``{"error": …}``."""
    return {runtime.value: _identity(resolve_facts(runtime, facts)) for runtime in RUNNERS}


def platform_answers(facts: ImageFacts) -> dict[str, Json]:
    """What platforms would say, word for word."""
    user, os = facts.config.user, facts.config.platform.os
    return {
        "docker-run": _answer(docker_run(facts)),
        "podman-run": _answer(podman_run(facts)),
        "kubernetes-run-as-non-root": _answer(run_as_non_root(user, os=os)),
        "kubernetes-run-as-non-root-before-1.34": _answer(run_as_non_root_before_1_34(user, os=os)),
        "pod-security-restricted": _answer(pod_security_restricted(facts)),
        "openshift-restricted-v2": _answer(restricted_v2(facts)),
        "openshift-restricted-v3": _answer(restricted_v3(facts)),
        "user-namespace": _answer(user_namespace(facts)),
    }


def derivation(facts: ImageFacts, runtime: Runtime = Runtime.DOCKER) -> list[Json]:
    """The steps from the config to the ids, each with the file, line and layer that decided it."""
    by_path = {facts.passwd.path: facts.passwd, facts.group.path: facts.group}
    steps: list[Json] = [{"text": _starts_from(facts), "pointer": "/config/User", "config": facts.config_digest}]
    for step in resolve_facts(runtime, facts).steps:
        entry: Json = {"text": printable(step.text, longest=500)}
        if step.path is not None:
            entry |= {"path": step.path, "line": step.line, "quote": printable(step.quote or "", longest=300)}
            entry |= _layer(layer_of(facts, by_path.get(step.path)))
        steps.append(entry)
    return steps


def verdict_sentence(facts: ImageFacts, judgement: Judgement | None = None) -> str:
    """Who it runs as on Docker and why, in one sentence without a full stop.

    :param judgement: where given, the sentence says that the answer depends on the reader when NR114 found so.
    """
    reading = read(facts)
    answer = reading.answer
    if isinstance(answer, StartError):
        return f"does not start on Docker: {printable(answer.message, longest=300)}"
    who = f"runs as uid {answer.uid} gid {answer.gid}"
    if answer.uid == 0:
        who = f"runs as root, uid 0 gid {answer.gid}"
    elif root_command(facts, Process(answer.uid, frozenset((answer.gid, *answer.groups)))):
        who = f"runs with the effective uid 0, as its command is setuid root, and otherwise as uid {answer.uid}"
    return f"{who}, {_from(facts)}{_doubt(judgement)}"


def dump_results(judgement: Judgement) -> Json:
    """A judgement as plain JSON values without control characters, NUL or lone surrogates."""
    return {
        "schema": SCHEMA,
        "verdict": judgement.verdict.value,
        "score": judgement.score,
        "failed_on": list(judgement.failed_on),
        "results": [_stored(result) for result in judgement.results],
    }


def load_results(document: Mapping[str, Any]) -> Judgement:
    """Read what ``dump_results`` made.

    :raises ValueError: for a schema this version does not know.
    """
    if document["schema"] != SCHEMA:
        raise ValueError(f"results of schema {document['schema']!r}, not {SCHEMA}")
    return Judgement(
        Verdict(document["verdict"]),
        document["score"],
        tuple(_loaded(result) for result in document["results"]),
        tuple(document["failed_on"]),
    )


def layer_of(facts: ImageFacts, file: AccountFile | None) -> Layer | None:
    """The layer that holds an account file as the container sees it."""
    return None if file is None else layer_at(facts, file.layer)


def _image(image: JudgedImage) -> Json:
    judgement = image.judgement
    report: Json = {
        "platform": printable(image.platform),
        "digest": image.digest,
        "user": None,
        "identities": {},
        "platforms": {},
        "verdict": judgement.verdict.value,
        "score": judgement.score,
        "results": [_result(result) for result in judgement.results],
        "failed_on": list(judgement.failed_on),
        "sentence": "",
        "derivation": [],
        "layers": [],
        "problem": None if image.problem is None else _problem(image.problem),
        "artifact": image.artifact,
    }
    if image.facts is not None:
        report |= _seen(image.facts, judgement)
    return report


def _seen(facts: ImageFacts, judgement: Judgement) -> Json:
    return {
        "user": _json_text(facts.config.user),
        "identities": identities(facts),
        "platforms": platform_answers(facts),
        "sentence": verdict_sentence(facts, judgement),
        "derivation": derivation(facts),
        "layers": [{**_layer(layer), "size": layer.size, "deciding": _decides(facts, layer)} for layer in facts.layers],
    }


def _decides(facts: ImageFacts, layer: Layer) -> bool:
    return layer.position in (facts.passwd.layer, facts.group.layer)


def _result(result: RuleResult) -> Json:
    evidence = [{name: safe_evidence(value) for name, value in found.items()} for found in result.evidence]
    return {
        "rule": result.rule,
        "slug": result.slug,
        "outcome": result.outcome.value,
        "severity": result.severity.value,
        "evidence": evidence[0] if evidence else {},
        "more_evidence": evidence[1:],
        "fix": printable(result.fix, keep_lines=True),
        "reason": None if result.reason is None else printable(result.reason, keep_lines=True),
    }


def _stored(result: RuleResult) -> Json:
    document = _result(result)
    first, more = document.pop("evidence"), document.pop("more_evidence")
    return {**document, "evidence": [first, *more] if first else []}


def _loaded(document: Mapping[str, Any]) -> RuleResult:
    return RuleResult(
        document["rule"],
        document["slug"],
        Outcome(document["outcome"]),
        Severity(document["severity"]),
        tuple(document["evidence"]),
        document["fix"],
        document["reason"],
    )


def _identity(resolution: Resolution) -> Json:
    answer = resolution.answer
    error = answer if isinstance(answer, StartError) else will_not_start(answer)
    if isinstance(answer, StartError) or error is not None:
        return {"error": _json_text(error.message if error else "")}
    groups = list(process_groups(answer))
    return {"uid": answer.uid, "gid": answer.gid, "groups": groups, "home": _json_text(answer.home)}


def _answer(answer: PlatformAnswer) -> Json:
    return {"answer": answer.answer, "message": printable(answer.message, longest=500)}


def _problem(problem: ScanProblem) -> Json:
    return {"code": problem.code, "message": printable(problem.message), "remedy": printable(problem.remedy)}


def _layer(layer: Layer | None) -> Json:
    digest = None if layer is None else layer.digest
    return {"layer": digest, "layer_number": layer_number(layer), "created_by": made_by(layer)}


def _starts_from(facts: ImageFacts) -> str:
    user = facts.config.user
    return f"the image config says USER {quoted(user)}" if user else "the image config has no USER"


def _doubt(judgement: Judgement | None) -> str:
    results = judgement.results if judgement else ()
    doubtful = any(result.rule == "NR114" and result.outcome is Outcome.VIOLATED for result in results)
    return "; but readers of this image disagree, see NR114" if doubtful else ""


def _from(facts: ImageFacts) -> str:
    user = printable(facts.config.user, longest=100)
    if not user:
        return "because the image has no USER"
    reading = read(facts)
    if reading.user.kind is Kind.EMPTY:
        return f"because the user half of USER {user} is empty"
    if reading.entry is None:
        return f"from USER {user}; no line of /etc/passwd has that uid"
    number = layer_number(layer_of(facts, facts.passwd))
    where = f" in layer {number}" if number else ""
    return f"from USER {user} resolved through /etc/passwd line {reading.entry.line}{where}"


def _json_text(text: str) -> str:
    """Verbatim but for lone surrogates, which no JSON reader has to accept."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return printable(text, keep_lines=True)
    return text
