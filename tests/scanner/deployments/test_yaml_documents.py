from __future__ import annotations

import pickle
import time
from dataclasses import replace

import pytest

from scanner.deployments.problems import DeploymentProblem
from scanner.deployments.yaml_documents import decode, read_documents
from scanner.deployments.yaml_nodes import Entries, Items, Node, Scalar
from scanner.deployments.yaml_scalars import Dialect
from scanner.domain.limits import DEFAULT_LIMITS

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghij", "bcdefghijk", strict=True)
)
SECONDS = 3.0
"""Of processor time: far more than any of these takes, whatever else the machine does."""


def problem(text: str) -> DeploymentProblem:
    with pytest.raises(DeploymentProblem) as caught:
        read_documents(text, DEFAULT_LIMITS)
    return caught.value


def plain(node: Node) -> object:
    """A node as Kubernetes reads it."""
    if isinstance(node, Scalar):
        return node.value(Dialect.KUBERNETES)
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.values.items()}


def read(text: str) -> list[object]:
    return [plain(document.root) for document in read_documents(text, DEFAULT_LIMITS)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("---\n---\n# nothing\n", []),
        ("a: 1\n---\n---\nb: '2'\n...\n", [{"a": 1}, {"b": "2"}]),
        ("\ufeffa: 1", [{"a": 1}]),
        ('{"a": [1, "0", null, true]}', [{"a": [1, "0", None, True]}]),
        ('{\n\t"a": 1\n}', [{"a": 1}]),
        ("d: &d {x: 1, y: 2}\ne: {<<: *d, y: 3}", [{"d": {"x": 1, "y": 2}, "e": {"y": 3, "x": 1}}]),
        ("a: {<<: [{x: 1}, {x: 2, y: 3}]}", [{"a": {"x": 1, "y": 3}}]),
        ("a: {'<<': 1}", [{"a": {"<<": 1}}]),
        ("a: {!!merge <<: {x: 1}}", [{"a": {"x": 1}}]),
        ("a: !!str 0\nb: !!int '7'\nc: !mine 0", [{"a": "0", "b": 7, "c": "0"}]),
        ("a: |\n  0\n", [{"a": "0\n"}]),
        ("a: &x 1\nb: *x", [{"a": 1, "b": 1}]),
    ],
)
def test_documents_are_read(text: str, expected: list[object]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\na: 2", "yaml-duplicate-key", 2),
        ('{"a": 1, "a": 2}', "yaml-duplicate-key", 1),
        ("a: 1\nb: &a [*a]", "yaml-alias", 2),
        ("a: 1\nb: *b", "yaml-alias", 2),
        ("a: &x 1\n---\nb: *x", "yaml-alias", 3),
        ("a:\n\t- b", "yaml-syntax", 2),
        ("a: b: c", "yaml-syntax", 1),
        ("a: [1,\n", "yaml-syntax", 2),
        ("? {a: b}\n: c", "yaml-key", 1),
        ("a: {<<: 1}", "yaml-merge", 1),
        ("a: {! '<<': {x: 1}}", "yaml-merge", 1),
        ("a: {!!str <<: {x: 1}}", "yaml-merge", 1),
        ("a: {<<: {x: 1}, <<: {x: 2}}", "yaml-duplicate-key", 1),
        ("a: \x00", "yaml-syntax", None),
        ("a: \ud800", "not-text", None),
        ("image: {{ .Values.image }}", "helm-template", 1),
        ("a: 1\n{{- if .Values.x }}\nb: 2", "helm-template", 3),
        ("a: {{ toYaml . | nindent 4 }}", "helm-template", 1),
        ("- " * 70 + "a", "limit-json-depth", 1),
        ("[" * 100_000, "limit-json-depth", 1),
        (BOMB, "limit-json-values", 6),
        ("- a\n" * 250_001, "limit-json-values", 1),
        ("#" * 1_100_000, "limit-deployment-bytes", None),
        ("---\na\n" * 2_001, "limit-deployment-documents", 4_001),
    ],
)
def test_what_cannot_be_read_has_a_name_a_line_and_a_remedy(text: str, code: str, line: int | None) -> None:
    began = time.thread_time()
    found = problem(text)
    assert (found.code, found.line) == (code, line)
    assert found.remedy
    assert found.message.startswith("deployment file: ")
    assert time.thread_time() - began < SECONDS


def test_depth_counts_through_aliases() -> None:
    deep = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 100))
    assert problem(deep).code == "limit-json-depth"


def test_braces_far_from_a_fault_are_no_template() -> None:
    text = "expr: '{{ $value }}'\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\nf: 2\n"
    assert problem(text).code == "yaml-duplicate-key"
    assert read("expr: '{{ $value }}'") == [{"expr": "{{ $value }}"}]


def test_a_document_knows_its_place_and_the_template_it_comes_from() -> None:
    text = "---\n# Source: shop/templates/web.yaml\nkind: A\n---\n\nkind: B\n"
    first, second = read_documents(text, DEFAULT_LIMITS)
    assert (first.number, first.source) == (1, "shop/templates/web.yaml")
    assert (second.number, second.source, second.root.line) == (2, "", 6)


def test_a_value_knows_its_line() -> None:
    (document,) = read_documents("a:\n  b: 1\n  c:\n  - x\n  - y\n", DEFAULT_LIMITS)
    assert isinstance(document.root, Entries)
    below = document.root.values["a"]
    assert isinstance(below, Entries)
    assert below.lines == {"b": 2, "c": 3}
    items = below.values["c"]
    assert isinstance(items, Items)
    assert [item.line for item in items.items] == [4, 5]


def test_merged_keys_cannot_grow_without_bound() -> None:
    wide = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(2_000)) + "}\n"
    began = time.thread_time()
    assert problem(wide + "".join(f"b{n}: {{<<: *a}}\n" for n in range(2_000))).code == "limit-json-values"
    assert time.thread_time() - began < SECONDS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a: \xc3\xa9", "a: é"),
        ("\ufeffa: 1".encode("utf-16-le"), "a: 1"),
        ("\ufeffa: 1".encode("utf-16-be"), "a: 1"),
        ("\ufeffa: 1".encode(), "\ufeffa: 1"),
    ],
)
def test_bytes_become_text(body: bytes, expected: str) -> None:
    assert decode(body, DEFAULT_LIMITS) == expected


@pytest.mark.parametrize(("body", "line"), [(b"a: 1\nb: \xff", 2), (b"\xff\xfea", None)])
def test_other_bytes_are_refused(body: bytes, line: int | None) -> None:
    with pytest.raises(DeploymentProblem) as caught:
        decode(body, DEFAULT_LIMITS)
    assert (caught.value.code, caught.value.line) == ("not-text", line)


def test_too_many_bytes_are_not_decoded() -> None:
    with pytest.raises(DeploymentProblem) as caught:
        decode(b"\xff" * 11, replace(DEFAULT_LIMITS, deployment_bytes=10))
    assert caught.value.code == "limit-deployment-bytes"


def test_a_problem_survives_pickle() -> None:
    found = problem("a: 1\na: 2")
    copy = pickle.loads(pickle.dumps(found))
    assert (copy.code, copy.message, copy.remedy, copy.line) == (found.code, found.message, found.remedy, 2)
