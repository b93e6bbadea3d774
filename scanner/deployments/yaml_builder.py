"""From YAML events to nodes, without recursion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from scanner.deployments.problems import DeploymentProblem, too_much
from scanner.deployments.yaml_nodes import Entries, Items, Node, Scalar
from scanner.domain.limits import Limits
from scanner.domain.printable import printable

_MERGE = "<<"
_MERGE_TAG = "tag:yaml.org,2002:merge"


class _Sized(NamedTuple):
    """A node, how many values it is when written out without aliases, and how deep."""

    node: Node
    values: int
    depth: int


@dataclass(slots=True)
class _Open:
    line: int
    anchor: str | None
    mapping: bool
    tag: str
    children: list[_Sized] = field(default_factory=list)
    values: int = 1
    depth: int = 1


class Builder:
    """Builds the tree of one document."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Sized | None] = {}
        self._root: _Sized | None = None

    def root(self) -> Node:
        """The finished tree."""
        return self._root.node if self._root else Scalar(1, "")

    def scalar(self, node: Scalar, anchor: str | None) -> None:
        """Add a scalar."""
        self._add(_Sized(node, 1, 1), anchor)

    def alias(self, anchor: str, line: int) -> None:
        """Add what an alias names.

        :raises DeploymentProblem: where it names nothing, or itself.
        """
        if anchor not in self._anchors:
            raise DeploymentProblem(
                "yaml-alias",
                f"unknown anchor '{printable(anchor, longest=100)}' referenced",
                line=line,
                remedy="An alias can name only what stands above it in the same document.",
            )
        found = self._anchors[anchor]
        if found is None:
            said = f"anchor '{printable(anchor, longest=100)}' value contains itself"
            raise DeploymentProblem("yaml-alias", said, line=line, remedy="Write the value out.")
        self._add(found, None)

    def open(self, line: int, anchor: str | None, *, mapping: bool, tag: str) -> None:
        """Begin a sequence or mapping.

        :raises DeploymentProblem: too deep.
        """
        if len(self._stack) >= self._limits.json_depth:
            raise too_much("json_depth", self._limits.json_depth, "values are nested deeper", line=line)
        if anchor:
            self._anchors[anchor] = None
        self._stack.append(_Open(line, anchor, mapping, tag))

    def close(self) -> None:
        """End the innermost sequence or mapping.

        :raises DeploymentProblem: for a mapping no reader takes.
        """
        ended = self._stack.pop()
        node: Node
        if ended.mapping:
            node = _mapping(ended)
        else:
            node = Items(ended.line, tuple(child.node for child in ended.children), ended.tag)
        self._add(_Sized(node, ended.values, ended.depth), ended.anchor)

    def _add(self, sized: _Sized, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = sized
        if not self._stack:
            self._root = sized
            return
        into = self._stack[-1]
        into.children.append(sized)
        into.values += sized.values
        into.depth = max(into.depth, sized.depth + 1)
        allowed = self._limits.json_values
        if into.values > allowed:
            said = "it holds more values, counting each alias as what it stands for"
            raise too_much("json_values", allowed, said, line=into.line)
        if len(self._stack) + sized.depth > self._limits.json_depth:
            raise too_much("json_depth", self._limits.json_depth, "values are nested deeper", line=into.line)


def _mapping(ended: _Open) -> Entries:
    values: dict[str, Node] = {}
    lines: dict[str, int] = {}
    merge: Node | None = None
    before: frozenset[str] = frozenset()
    for key, value in zip(ended.children[::2], ended.children[1::2], strict=True):
        if not isinstance(key.node, Scalar):
            said = "a key is a mapping or a list; readers take text only"
            raise DeploymentProblem("yaml-key", said, line=key.node.line, remedy="Quote a value that begins with {.")
        text, merges = key.node.text, _merges(key.node)
        first = lines.get(text) if not merges else merge.line if merge is not None else None
        if first is not None:
            said = f'mapping key "{printable(text, longest=100)}" already defined at line {first}'
            remedy = "Readers differ in which of two they take: keep one."
            raise DeploymentProblem("yaml-duplicate-key", said, line=key.node.line, remedy=remedy)
        if merges:
            merge, before = value.node, frozenset(values)
        else:
            values[text], lines[text] = value.node, key.node.line
    contested = frozenset[str]() if merge is None else _merge(values, lines, merge, before)
    return Entries(ended.line, values, lines, ended.tag, contested)


def _merges(key: Scalar) -> bool:
    """Whether it is the key of a merge; ``!!merge <<`` is, too."""
    if key.text != _MERGE:
        return False
    if key.tag == _MERGE_TAG or not key.tag:
        return key.plain or bool(key.tag)
    said = "a << with a tag is a merge to some readers and a key to others"
    raise DeploymentProblem("yaml-merge", said, line=key.line, remedy="Write << without a tag.")


def _merge(values: dict[str, Node], lines: dict[str, int], merge: Node, before: frozenset[str]) -> frozenset[str]:
    """Keys of ``<<`` count where the mapping has none of its own; of several mappings the first counts.

    :param before: the keys that stand above ``<<``.
    :return: the keys of which readers take different values.
    """
    own, contested = frozenset(values), set[str]()
    for source in merge.items if isinstance(merge, Items) else (merge,):
        if not isinstance(source, Entries):
            said = "map merge requires map or sequence of maps as the value"
            remedy = "Behind << stands an alias of a mapping, or a list of them."
            raise DeploymentProblem("yaml-merge", said, line=source.line, remedy=remedy)
        contested |= before & source.values.keys()
        contested |= source.contested - own
        for key, value in source.values.items():
            if key not in values:
                values[key], lines[key] = value, source.lines[key]
    return frozenset(contested)
