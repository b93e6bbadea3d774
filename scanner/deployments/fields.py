"""Fields of a document in the types its reader wants; a wrong one is noted in its words and read as absent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.deployments.problems import DeploymentProblem
from scanner.deployments.yaml_nodes import Entries, Items, Node, Scalar
from scanner.deployments.yaml_scalars import Dialect, Value, go_integer, go_kind
from scanner.domain.printable import printable

_INDEX = re.compile(r"\[[0-9]+\]")
_STRUCTS = {
    "capabilities": "Capabilities",
    "containers": "Container",
    "initContainers": "Container",
    "ephemeralContainers": "EphemeralContainer",
    "metadata": "ObjectMeta",
    "os": "PodOS",
    "seccompProfile": "SeccompProfile",
    "spec": "PodSpec",
    "volumeMounts": "VolumeMount",
    "volumes": "Volume",
    "windowsOptions": "WindowsSecurityContextOptions",
}
_GO_TYPES = {
    "add": "[]v1.Capability",
    "capabilities": "v1.Capabilities",
    "containers": "[]v1.Container",
    "drop": "[]v1.Capability",
    "ephemeralContainers": "[]v1.EphemeralContainer",
    "initContainers": "[]v1.Container",
    "metadata": "v1.ObjectMeta",
    "os": "v1.PodOS",
    "seccompProfile": "v1.SeccompProfile",
    "supplementalGroups": "[]int64",
    "volumeMounts": "[]v1.VolumeMount",
    "volumes": "[]v1.Volume",
}
_COMPOSE_TYPES = {"string": "a string", "bool": "a boolean", "[]string": "a array", "map": "a mapping"}
_MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a reader refuses, in its own words."""

    line: int
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads, and what it refuses."""

    dialect: Dialect
    faults: list[Fault] = field(default_factory=list)

    def note(self, line: int, path: str, message: str) -> None:
        """Note a refusal."""
        fault = Fault(line, printable(path, longest=300), printable(message, longest=500))
        if len(self.faults) < _MOST_FAULTS and fault not in self.faults:
            self.faults.append(fault)


@dataclass(frozen=True, slots=True)
class View:
    """A value, or the place where there is none.

    :param path: as the reader names the place: ``spec.containers[0].image``.
    """

    reading: Reading
    node: Node | None
    path: str
    line: int

    @property
    def given(self) -> bool:
        """Whether there is a value besides null."""
        return self.node is not None and not (isinstance(self.node, Scalar) and self._value() is None)

    def get(self, key: str) -> View:
        """A field of a mapping; one of anything else is absent.

        :raises DeploymentProblem: where readers of Kubernetes' files differ in its value.
        """
        path = f"{self.path}.{key}" if self.path else key
        if isinstance(self.node, Entries) and key in self.node.contested:
            self._refuse_contested(key, self.node.lines[key])
        if isinstance(self.node, Entries) and key in self.node.values:
            return View(self.reading, self.node.values[key], path, self.node.lines[key])
        if self.given and not isinstance(self.node, Entries):
            self._refuse("map")
        return View(self.reading, None, path, self.line)

    def at(self, *keys: str) -> View:
        """A field of a field."""
        found = self
        for key in keys:
            found = found.get(key)
        return found

    def entries(self) -> Iterator[tuple[str, View]]:
        """Keys and values, in order."""
        if isinstance(self.node, Entries):
            for key in self.node.values:
                yield key, self.get(key)
        elif self.given:
            self._refuse("map")

    def items(self) -> Iterator[View]:
        """The members of a list, in order."""
        if isinstance(self.node, Items):
            for index, item in enumerate(self.node.items):
                yield View(self.reading, item, f"{self.path}[{index}]", item.line)
        elif self.given:
            self._refuse("[]string")

    def text(self) -> str | None:
        """A string."""
        value = self._scalar("string")
        if isinstance(value, str):
            return value
        if value is not None:
            self._refuse("string")
        return None

    def texts(self) -> tuple[str, ...]:
        """A list of strings."""
        found = (item.text() for item in self.items())
        return tuple(text for text in found if text is not None)

    def integer(self) -> int | None:
        """A 64 bit integer."""
        value = self._scalar("int64")
        number = go_integer(value)
        if number is None and value is not None:
            self._refuse("int64")
        return number

    def flag(self) -> bool | None:
        """A boolean."""
        value = self._scalar("bool")
        if value is None or isinstance(value, bool):
            return value
        self._refuse("bool")
        return None

    def scalar(self) -> Value:
        """Any scalar; ``None`` for what is none."""
        return self._value() if isinstance(self.node, Scalar) else None

    def _value(self) -> Value:
        return self.node.value(self.reading.dialect) if isinstance(self.node, Scalar) else None

    def _scalar(self, wanted: str) -> Value:
        if isinstance(self.node, Items | Entries):
            self._refuse(wanted)
        return self._value()

    def _refuse_contested(self, key: str, line: int) -> None:
        if self.reading.dialect is Dialect.KUBERNETES:
            said = f'"{key}" stands above a << that brings it too: kubectl takes what is merged, others the key itself'
            raise DeploymentProblem("yaml-merge", said, line=line, remedy="Put << above all keys of its mapping.")

    def _refuse(self, wanted: str) -> None:
        line = self.node.line if self.node is not None else self.line
        if self.reading.dialect is Dialect.COMPOSE:
            self.reading.note(line, self.path, f"{self.path} must be {_COMPOSE_TYPES.get(wanted, wanted)}")
            return
        kind = {Items: "array", Entries: "object"}.get(type(self.node)) or go_kind(self._value())
        wanted = _go_type(self.path, wanted)
        place = f"{_struct(self.path)}.{_INDEX.sub('', self.path)}"
        self.reading.note(
            line, self.path, f"json: cannot unmarshal {kind} into Go struct field {place} of type {wanted}"
        )


def _go_type(path: str, otherwise: str) -> str:
    """The Go type of a field, where its name alone says it."""
    key = path.rpartition(".")[2]
    if key == "securityContext":
        return "v1.SecurityContext" if "ontainers" in path else "v1.PodSecurityContext"
    return _GO_TYPES.get(key, otherwise)


def _struct(path: str) -> str:
    """The Go type that holds a field, by the name of the field it stands in."""
    parts = _INDEX.sub("", path).split(".")
    holder = parts[-2] if len(parts) > 1 else ""
    if holder == "securityContext":
        return "SecurityContext" if "ontainers" in path else "PodSecurityContext"
    return _STRUCTS.get(holder, "Object")
