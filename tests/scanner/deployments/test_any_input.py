from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from scanner.deployments import DeploymentProblem, review_report, review_text
from scanner.deployments.yaml_documents import decode
from scanner.domain.limits import DEFAULT_LIMITS
from tests.scanner.deployments.manifests import reviewed
from tests.support.facts import facts

NUMERIC = facts("1001:1001")


def refused(text: str) -> DeploymentProblem | None:
    """The problem of a text, or ``None`` where it was reviewed and can be shown."""
    try:
        report = review_report(reviewed(text, NUMERIC))
    except DeploymentProblem as problem:
        return problem
    assert review_text(report)
    assert json.dumps(report)
    return None


# fmt: off
KEYS = [
    "kind: Pod", "kind: List", "services:", "spec:", "containers:", "image: nginx", "securityContext:", "user: 0",
    "runAsUser: 0", "items:", "- ", "  ", "&a", "*a", "<<: *a", "{", "}", "[", "]", "\n", "\t", "---\n", "${A:-",
    "\x00", "extends: a", "name: a", "'", '"', "!!int", "!reset", ": ", "? ", "\ufeff", "\ud800", "{{ x }}",
]
FIELDS = [
    "securityContext", "runAsUser", "runAsGroup", "runAsNonRoot", "capabilities", "drop", "volumes", "name", "image",
    "fsGroup", "supplementalGroups", "volumeMounts", "mountPath", "os", "hostUsers", "user", "group_add", "extends",
    "security_opt", "build", "command", "privileged", "type", "secret", "source", "service",
]
# fmt: on
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
)
FIELDS_OF = st.dictionaries(st.sampled_from(FIELDS), TREES)


@given(st.lists(st.sampled_from(KEYS), max_size=40).map("".join))
def test_any_text_is_reviewed_or_refused_by_name(text: str) -> None:
    problem = refused(text)
    assert problem is None or (problem.code and problem.remedy)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused_by_name(body: bytes) -> None:
    try:
        text = decode(body, DEFAULT_LIMITS)
    except DeploymentProblem as problem:
        text = problem.remedy
    problem_found = refused(text)
    assert problem_found is None or problem_found.remedy


@given(TREES, FIELDS_OF, TREES)
def test_any_types_are_reviewed_or_refused_by_name(container: object, spec: dict[str, object], other: object) -> None:
    pod = {"kind": "Pod", "spec": {**spec, "containers": [container, other]}}
    compose = {"services": {"a": container, "b": spec, "c": other}}
    for document in (pod, compose):
        problem = refused(json.dumps(document))
        assert problem is None or problem.code in ("yaml-syntax", "yaml-duplicate-key", "helm-template")
