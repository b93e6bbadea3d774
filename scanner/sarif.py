"""The same answer as SARIF 2.1.0 (OASIS), for tools that collect findings.

A violated rule is a ``fail``; an unknown one is ``open``, which SARIF defines as not decided, so that no reader of the
file can take it for clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from scanner.domain.rule import Rule
from scanner.domain.verdict import Outcome, Severity
from scanner.rulebook import RULES

Json = dict[str, Any]

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Mapping[str, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_RANKS: Mapping[str, float] = {
    Severity.CRITICAL: 100.0,
    Severity.HIGH: 75.0,
    Severity.MEDIUM: 50.0,
    Severity.LOW: 25.0,
    Severity.INFO: 0.0,
}
_INDEX = {rule.id: position for position, rule in enumerate(RULES)}


def as_sarif(report: Json) -> Json:
    """Turn the object of ``inspect --format json`` into a SARIF log."""
    problems = [image["problem"] for image in report["images"] if image["problem"]]
    problems += [report["error"]] if report["error"] else []
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": sarif_tool(),
                "invocations": [
                    {
                        "executionSuccessful": report["error"] is None,
                        "toolExecutionNotifications": [_notification(problem) for problem in problems],
                    }
                ],
                "results": [result for image in report["images"] for result in _results(report, image)],
                "properties": {name: report[name] for name in ("reference", "digest", "policy", "verdict", "score")},
            }
        ],
    }


def sarif_tool() -> Json:
    """What found it, with every rule it knows."""
    return {"driver": {"name": "Plimsoll", "rules": [_rule(rule) for rule in RULES]}}


def sarif_rule(rule: str, severity: Severity) -> Json:
    """What a result says of the rule that is violated."""
    index = {"ruleIndex": _INDEX[rule]} if rule in _INDEX else {}
    return {"ruleId": rule, **index, "kind": "fail", "level": _LEVELS[severity], "rank": _RANKS[severity]}


def _rule(rule: Rule) -> Json:
    return {
        "id": rule.id,
        "name": rule.slug,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.decided, "markdown": rule.decided},
        "defaultConfiguration": {"level": _LEVELS[rule.severity], "rank": _RANKS[rule.severity]},
    }


def _results(report: Json, image: Json) -> Iterator[Json]:
    for result in image["results"]:
        if result["outcome"] in (Outcome.VIOLATED, Outcome.UNKNOWN):
            yield _result(report, image, result)


def _result(report: Json, image: Json, result: Json) -> Json:
    violated = result["outcome"] == Outcome.VIOLATED
    name = f"{report['reference']} ({image['platform']})"
    return {
        "ruleId": result["rule"],
        "ruleIndex": _INDEX[result["rule"]],
        "kind": "fail" if violated else "open",
        "level": _LEVELS[result["severity"]] if violated else "none",
        "message": {"text": f"{name}: {result['reason'] or result['slug']}"},
        "locations": [_location(evidence, name) for evidence in _evidence(result)],
        "partialFingerprints": {"ruleAndPlatform/v1": f"{result['rule']}:{image['platform']}"},
        "properties": {"digest": image["digest"], "platform": image["platform"], "fix": result["fix"]},
    }


def _evidence(result: Json) -> list[Json]:
    return [result["evidence"], *result["more_evidence"]][:10]


def _location(evidence: Json, name: str) -> Json:
    path = str(evidence.get("path") or evidence.get("pointer") or "image")
    physical: Json = {"artifactLocation": {"uri": quote(path.lstrip("/"))}}
    if evidence.get("line"):
        physical["region"] = {"startLine": evidence["line"], "snippet": {"text": str(evidence.get("text") or "")}}
    return {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": name, "kind": "module"}]}


def _notification(problem: Json) -> Json:
    return {"level": "error", "message": {"text": problem["message"]}, "descriptor": {"id": problem["code"]}}
