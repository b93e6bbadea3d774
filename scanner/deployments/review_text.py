"""A review for a person at a terminal. Everything shown comes from the report, in which every string is safe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def review_text(report: Json) -> str:
    """The review as lines of text."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Json) -> Iterator[str]:
    if report["error"] is not None:
        yield f"{report['error']['code']}: {report['error']['message']}"
        yield report["error"]["remedy"]
        return
    count = sum(len(workload["containers"]) for workload in report["workloads"])
    images = report["images"]
    verdict = report["verdict"].replace("_", " ").upper()
    inspected = f"{images['inspected']} of {_number(images['named'], 'image')} inspected"
    yield f"{verdict}  {_number(count, 'container')}, {inspected}"
    for workload in report["workloads"]:
        yield ""
        yield from _workload(workload)
    for unread in report["unread"]:
        yield ""
        yield f"{unread['kind']}  line {unread['line']}: not reviewed, it holds containers in a place that is not read."
    if report["skipped"]:
        yield ""
        yield "Starts nothing: " + ", ".join(f"{found['count']} {found['kind']}" for found in report["skipped"])


def _workload(workload: Json) -> Iterator[str]:
    namespace = f"{workload['namespace']}/" if workload["namespace"] else ""
    source = f"  {workload['source']}" if workload["source"] else ""
    # A Compose service is its only container, whose own line names it.
    if workload["pod_security_restricted"] is not None:
        yield f"{workload['kind']} {namespace}{workload['name'] or '(no name)'}  line {workload['line']}{source}"
    for finding in workload["findings"]:
        yield from _finding(finding)
    for container in workload["containers"]:
        yield from _container(container)
    if workload["pod_security_restricted"] is not None:
        answer = workload["pod_security_restricted"]
        yield f"  Pod Security restricted: {answer['answer']}  {answer['message']}"


def _container(container: Json) -> Iterator[str]:
    image = container["image"]
    named = image["written"] or ("built here" if image["built"] else "no image")
    yield f"  {container['role']} {container['name'] or '(no name)'}  line {container['line']}  {named}"
    yield f"    runs as  {_who(container['identity'])}"
    for finding in container["findings"]:
        yield from _finding(finding)
    for text in container["unknown"]:
        yield f"    unknown  {text}"
    if container["snippet"] is not None:
        yield f"    fix, {container['snippet']['where']}:"
        yield from (f"        {line}" for line in container["snippet"]["yaml"].splitlines())
        if container["snippet"]["note"]:
            yield f"      {container['snippet']['note']}"


def _who(identity: Json | None) -> str:
    if identity is None:
        return "not known"
    if "error" in identity:
        return f"does not start: {identity['error']}"
    groups = ",".join(str(gid) for gid in identity["groups"]) or "none"
    return f"uid {identity['uid']}  gid {identity['gid']}  groups {groups}  home {identity['home'] or '(empty)'}"


def _finding(finding: Json) -> Iterator[str]:
    yield f"    {finding['severity']:<8} {finding['code']}  {finding['message']}"
    if finding["words"]:
        yield f"             line {finding['line']}: {finding['words']}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
