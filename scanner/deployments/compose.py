"""Compose files: every service is one container.

Types are what the Compose schema wants of them, so ``user: 0`` without quotes is refused: *services.web.user must be a
string*. ``user: 1000:1000`` needs no quotes, because Compose's YAML reader knows no numbers to base 60.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from scanner.deployments.fields import Reading, View
from scanner.deployments.image_names import ImageName, image_name
from scanner.deployments.interpolation import interpolate
from scanner.deployments.problems import too_much
from scanner.deployments.workloads import Container, Mount, Place, Privileges, Role, Workload
from scanner.deployments.yaml_documents import unrendered
from scanner.deployments.yaml_nodes import Document, Entries, Items, Node, Scalar
from scanner.deployments.yaml_scalars import Dialect, go_integer
from scanner.domain.limits import Limits
from scanner.domain.printable import printable
from scanner.domain.start import Start, StartedBy
from scanner.domain.user_spec import MAX_ID, NotANumber, OutOfRange, parse_int64

_TRUE: Final = ("y", "yes", "true", "on", "1")
_FALSE: Final = ("n", "no", "false", "off", "0")
_LONGEST_CHAIN: Final = 20
_SHOWN: Final = 10
_NO_NEW_PRIVILEGES: Final = ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")
_APPENDED: Final = ("cap_add", "cap_drop", "group_add", "security_opt", "tmpfs", "volumes")


def is_compose(root: Node) -> bool:
    """Whether it has services, and is no object of Kubernetes."""
    return isinstance(root, Entries) and isinstance(root.values.get("services"), Entries) and "kind" not in root.values


def service_count(root: Node) -> int:
    """How many services there are."""
    found = root.values["services"] if isinstance(root, Entries) else None
    return len(found.values) if isinstance(found, Entries) else 0


def included_at(root: Node) -> int | None:
    """The line of ``include``, which brings services of other files; ``None`` where there is none."""
    return root.lines["include"] if isinstance(root, Entries) and "include" in root.values else None


def services(document: Document, limits: Limits) -> Iterator[Workload]:
    """Every service of a document.

    :raises DeploymentProblem: where a template's braces stand for a value, or services that extend each other come to
        more than ``json_values``.
    """
    inherited = 0
    root = document.root
    found = root.values["services"] if isinstance(root, Entries) else None
    named = found.values if isinstance(found, Entries) else {}
    lines = found.lines if isinstance(found, Entries) else {}
    for name, node in named.items():
        reading = Reading(Dialect.COMPOSE)
        whole = _extended(name, named, reading, lines[name])
        inherited += whole.size
        if inherited > limits.json_values:
            said = "it holds more values, counting what services extend"
            raise too_much("json_values", limits.json_values, said, line=lines[name])
        view = View(reading, whole.node, f"services.{printable(name, longest=100)}", lines[name])
        if not isinstance(node, Entries):
            reading.note(view.line, view.path, f"{view.path} must be a mapping")
        yield _service(name, view, document, whole.open)


@dataclass(slots=True)
class _Extended:
    node: Node
    open: list[str] = field(default_factory=list)
    size: int = 0


def _extended(name: str, named: Mapping[str, Node], reading: Reading, line: int) -> _Extended:
    """A service with what it extends, as far as that stands in the same file."""
    found = _Extended(named[name])
    seen = [name]
    while isinstance(found.node, Entries) and "extends" in found.node.values:
        extends = View(reading, found.node.values["extends"], f"services.{name}.extends", line)
        if isinstance(extends.node, Entries) and extends.get("file").given:
            found.open.append("It extends a service of another file, which was not given.")
            return found
        other = extends.get("service").text() if isinstance(extends.node, Entries) else extends.text()
        if other is None or other not in named or other in seen or len(seen) > _LONGEST_CHAIN:
            said = "circular reference" if other in seen else "the service it extends is not in the file"
            reading.note(line, extends.path, f"cannot extend service: {said}")
            return found
        seen.append(other)
        found.node = _over(named[other], found.node)
        lists = found.node.values.values() if isinstance(found.node, Entries) else ()
        found.size += sum(len(node.items) if isinstance(node, Items) else 1 for node in lists)
    return found


def _over(below: Node, above: Entries) -> Node:
    """One service over another: lists are joined, anything else of the upper one counts."""
    if not isinstance(below, Entries):
        return Entries(above.line, {key: node for key, node in above.values.items() if key != "extends"}, above.lines)
    values, lines = dict(below.values), dict(below.lines)
    for key, node in above.values.items():
        if key == "extends":
            continue
        under = below.values.get(key)
        if key in _APPENDED and isinstance(node, Items) and isinstance(under, Items):
            node = Items(node.line, (*under.items, *node.items))
        values[key] = node
        lines[key] = above.lines[key]
    if "extends" not in below.values:
        values.pop("extends", None)
    return Entries(above.line, values, lines)


class _Service:
    """Reads the fields of one service, gathering what remains unknown."""

    def __init__(self, view: View, open_ends: list[str]) -> None:
        self.view = view
        self.open = open_ends
        self.assumed: list[str] = []

    def replaced(self, view: View) -> str | None:
        """A string with its variables replaced; ``None`` where it is absent or unknown."""
        text = view.text()
        if text is None:
            return None
        if isinstance(view.node, Scalar) and (problem := unrendered(view.node)) is not None:
            raise problem
        found = interpolate(text)
        self.assumed += found.assumed[:_SHOWN]
        key = view.path.removeprefix(f"{self.view.path}.")
        for name in dict.fromkeys(found.unknown[:_SHOWN]):
            self.open.append(f"`{key}` holds the variable {name}, whose value is not in the file.")
        if found.malformed:
            view.reading.note(view.line, view.path, f"{view.path}: invalid interpolation format")
        return found.text

    def flag(self, key: str) -> bool | None:
        """A boolean, which may be written as text."""
        view = self.view.get(key)
        value = view.scalar()
        if not isinstance(value, str):
            return view.flag()
        text = self.replaced(view)
        if text is None:
            return None
        if text.lower() not in (*_TRUE, *_FALSE):
            view.reading.note(view.line, view.path, f"{view.path}: invalid boolean: {text}")
            return None
        return text.lower() in _TRUE

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, or one alone."""
        view = self.view.get(key)
        views = [view] if isinstance(view.node, Scalar) and view.given else view.items()
        found = (self.replaced(item) for item in views)
        return tuple(text for text in found if text is not None)


def _service(name: str, view: View, document: Document, open_ends: list[str]) -> Workload:
    reader = _Service(view, open_ends)
    numbers, names = _groups(reader)
    options = reader.texts("security_opt")
    privileges = Privileges(
        privileged=reader.flag("privileged"),
        escalation=False if any(option in _NO_NEW_PRIVILEGES for option in options) else None,
        read_only_root=reader.flag("read_only"),
        drop=_capabilities(reader.texts("cap_drop")),
        add=_capabilities(reader.texts("cap_add")),
    )
    declared = view.get("user")
    user = reader.replaced(declared)
    namespace = reader.replaced(view.get("userns_mode"))
    container = Container(
        name=printable(name, longest=253),
        role=Role.SERVICE,
        place=Place(document.number, view.line, view.path),
        image=_image(reader),
        start=Start(
            by=StartedBy.DOCKER,
            user=user or None,
            supplemental_groups=numbers,
            drop_capabilities=privileges.drops_all and not privileges.privileged,
            no_new_privileges=privileges.escalation is False,
        ),
        privileges=privileges,
        mounts=tuple(_mounts(view)),
        group_names=names,
        built=view.get("build").given,
        own_command=view.get("entrypoint").given or view.get("command").given,
        open=tuple(dict.fromkeys((*reader.open, *_hooks(view)))),
        undecided=user is None and (declared.given or view.get("extends").given),
        assumed=tuple(dict.fromkeys(reader.assumed)),
        host_users=namespace == "host",
    )
    place = Place(document.number, view.line, view.path)
    faults = tuple(view.reading.faults)
    return Workload("service", container.name, "", document.source, place, (container,), faults=faults)


def _hooks(view: View) -> Iterator[str]:
    """Commands beside the service's own, each of which may have a user of its own, root too."""
    for key in ("post_start", "pre_stop"):
        for hook in view.get(key).items():
            if hook.get("user").given or hook.get("privileged").given:
                user = printable(hook.get("user").text() or "", longest=100)
                yield f"`{key}` runs a command as {f'user `{user}`' if user else 'somebody else'}, which is not judged."


def _image(reader: _Service) -> ImageName | None:
    view = reader.view.get("image")
    if not view.given:
        if not reader.view.get("build").given and not reader.open:
            said = f"service {reader.view.path.removeprefix('services.')!r} has neither an image nor a build context"
            view.reading.note(view.line, view.path, f"{said} specified: invalid compose project")
        return None
    written = view.text()
    text = reader.replaced(view)
    if text is None:
        return ImageName(
            printable(written or "", longest=500), view.line, unclear="it holds a variable without a value"
        )
    return image_name(text, view.line)


def _groups(reader: _Service) -> tuple[tuple[int, ...], tuple[str, ...]]:
    numbers: list[int] = []
    names: list[str] = []
    for view in reader.view.get("group_add").items():
        value = view.scalar()
        number = go_integer(value)
        if isinstance(value, str):
            text = reader.replaced(view) or ""
            number = _number(text)
            if number is None and text:
                names.append(printable(text, longest=100))
        if number is not None and 0 <= number <= MAX_ID:
            numbers.append(number)
    return tuple(numbers), tuple(names)


def _number(text: str) -> int | None:
    try:
        return parse_int64(text.encode("utf-8", "surrogateescape"))
    except (NotANumber, OutOfRange):
        return None


def _capabilities(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(printable(name.upper().removeprefix("CAP_"), longest=100) for name in names)


def _mounts(view: View) -> Iterator[Mount]:
    for mount in view.get("volumes").items():
        if isinstance(mount.node, Entries):
            source, target = mount.get("source").text() or "", mount.get("target").text() or ""
            kind = mount.get("type").text() or "volume"
            read_only = mount.get("read_only").scalar() is True
        else:
            parts = (mount.text() or "").split(":")
            source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
            kind = "bind" if source.startswith((".", "/", "~")) else "volume"
            read_only = len(parts) > 2 and "ro" in parts[2].split(",")
        yield Mount(printable(source, longest=253), printable(target, longest=500), kind, read_only=read_only)
