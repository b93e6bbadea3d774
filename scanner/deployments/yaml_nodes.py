"""A YAML document as it was written: scalars are text until somebody knows who will read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanner.deployments.yaml_scalars import Dialect, Value, resolve_plain

_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text at a line.

    :param plain: without quotes and not a block.
    """

    line: int
    text: str
    plain: bool = True
    tag: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing is written."""
        return self.plain and not self.text and not self.tag

    def value(self, dialect: Dialect) -> Value:
        """What the reader makes of it."""
        if self.tag == "!reset" and dialect is Dialect.COMPOSE:
            return None
        if self.tag in ("", "!") or not self.tag.startswith(_CORE):
            return resolve_plain(self.text, dialect) if self.plain and not self.tag else self.text
        if self.tag in (f"{_CORE}str", f"{_CORE}binary"):
            return self.text
        return resolve_plain(self.text, dialect)


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    line: int
    items: tuple[Node, ...] = ()
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping, merge keys resolved: key to value, and key to the line it stands in.

    :param contested: keys that stand above a ``<<`` which brings them too. Compose takes the key itself, Kubernetes
        what is merged (goyaml v2 merges where ``<<`` stands), and others who read manifests the key again.
    """

    line: int
    values: Mapping[str, Node] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    tag: str = ""
    contested: frozenset[str] = frozenset()


Node = Scalar | Items | Entries


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file.

    :param number: counted from 1, the empty ones too.
    :param source: what ``# Source:`` names, in a rendered chart.
    """

    number: int
    root: Node
    source: str = ""
