"""YAML from strangers, bounded: text in, a tree of nodes with line numbers out. Nothing is ever constructed.

An alias is a second way to the same node, so a bomb of aliases costs nothing to build; how large it would be written
out is counted, and beyond ``json_values`` the file is refused, as Go's readers do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from scanner.deployments.problems import DeploymentProblem, too_much
from scanner.deployments.yaml_builder import Builder
from scanner.deployments.yaml_nodes import Document, Node, Scalar
from scanner.domain.limits import Limits

_SOURCE = re.compile(r"# Source: (\S{1,500})[ \t]*\r?", re.ASCII)
_TEMPLATE = re.compile(r"\{\{")
_COMMENT_LINES = 50
_TEMPLATE_REMEDY = (
    "This looks like a Helm template. Render it first, `helm template RELEASE CHART > rendered.yaml`, and review that."
)


def decode(body: bytes, limits: Limits) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark.

    :raises DeploymentProblem: for other bytes, or too many.
    """
    if len(body) > limits.deployment_bytes:
        raise too_much("deployment_bytes", limits.deployment_bytes, f"it has {len(body)} bytes")
    encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise DeploymentProblem(
            "not-text",
            f"the bytes are not {encoding.upper()}",
            line=line if encoding == "utf-8" else None,
            remedy="Save the file as UTF-8.",
        ) from None


def read_documents(text: str, limits: Limits) -> tuple[Document, ...]:
    """All documents that are not empty.

    :raises DeploymentProblem: for what a YAML reader refuses, with the line; for a limit; for a template that was not
        rendered.
    """
    text = text.removeprefix("\ufeff")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise DeploymentProblem("not-text", "the text is not Unicode", remedy="Save the file as UTF-8.") from None
    if size > limits.deployment_bytes:
        raise too_much("deployment_bytes", limits.deployment_bytes, f"it has {size} bytes")
    try:
        return tuple(_documents(text, limits))
    except DeploymentProblem as problem:
        if problem.code.startswith("yaml-") and _looks_like_template(text, problem.line):
            raise _template(problem.line) from None
        raise
    except yaml.YAMLError as error:
        raise _refused(text, error) from None


def unrendered(node: Scalar) -> DeploymentProblem | None:
    """The problem of a value that is a template's, not a value."""
    return _template(node.line) if _TEMPLATE.search(node.text) else None


def _template(line: int | None) -> DeploymentProblem:
    return DeploymentProblem(
        "helm-template", "{{ }} stands here: a template that was not rendered", line=line, remedy=_TEMPLATE_REMEDY
    )


def _documents(text: str, limits: Limits) -> Iterator[Document]:
    sources = _sources(text)
    since, number = 1, 0
    builder = Builder(limits)
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, DocumentStartEvent):
            number += 1
            if number > limits.deployment_documents:
                line = _line(event)
                raise too_much("deployment_documents", limits.deployment_documents, "it has more documents", line=line)
            builder = Builder(limits)
        elif isinstance(event, DocumentEndEvent):
            root = builder.root()
            if not (isinstance(root, Scalar) and root.empty):
                yield Document(number, root, _source(sources, since, root.line))
            since = _line(event)
        else:
            _feed(builder, event)


def _feed(builder: Builder, event: Event) -> None:
    line = _line(event)
    if isinstance(event, ScalarEvent):
        plain = not event.style
        # ``! "text"``: libyaml keeps of the lone mark only that the text may be anything, quotes or not.
        tag = event.tag or ("!" if not plain and event.implicit[0] else "")
        builder.scalar(Scalar(line, event.value, plain=plain, tag=tag), event.anchor)
    elif isinstance(event, AliasEvent):
        builder.alias(event.anchor or "", line)
    elif isinstance(event, CollectionStartEvent):
        builder.open(line, event.anchor, mapping=isinstance(event, MappingStartEvent), tag=event.tag or "")
    elif isinstance(event, MappingEndEvent | SequenceEndEvent):
        builder.close()


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark is not None else 1


def _refused(text: str, error: yaml.YAMLError) -> DeploymentProblem:
    mark = getattr(error, "problem_mark", None)
    line = int(mark.line) + 1 if mark is not None else None
    if _looks_like_template(text, line):
        return _template(line)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
    context = getattr(error, "context", None)
    remedy = "Correct the line; `kubectl apply --dry-run=client` and `docker compose config` read it the same way."
    if "cannot start any token" in said:
        remedy = "YAML is indented with spaces; replace tabs, and quote values that begin with @, ` or %."
    return DeploymentProblem("yaml-syntax", f"{context}: {said}" if context else str(said), line=line, remedy=remedy)


def _looks_like_template(text: str, line: int | None) -> bool:
    if line is None:
        return _TEMPLATE.search(text) is not None
    # A reader gives up at, or shortly behind, the braces it could not make sense of.
    lines = text.split("\n")
    return any(_TEMPLATE.search(found) for found in lines[max(0, line - 3) : line + 1])


def _sources(text: str) -> Mapping[int, str]:
    """What ``helm template`` writes in front of each manifest: line number to the template's path."""
    found: dict[int, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        matched = _SOURCE.fullmatch(line) if line.startswith("# Source: ") else None
        if matched:
            found[number] = matched[1]
    return found


def _source(sources: Mapping[int, str], since: int, first: int) -> str:
    """The comment nearest above a document, behind the one before."""
    lines = range(first, max(since, first - _COMMENT_LINES) - 1, -1)
    return next((sources[line] for line in lines if line in sources), "")


__all__ = ["Document", "Node", "decode", "read_documents", "unrendered"]
