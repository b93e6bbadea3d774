"""Kubernetes objects: pods, and everything that holds a template of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from scanner.deployments.fields import Reading, View
from scanner.deployments.image_names import ImageName, image_name
from scanner.deployments.pod_validation import validate_container, validate_pod
from scanner.deployments.problems import too_much
from scanner.deployments.workloads import Container, Mount, OwnIdentity, Place, Pod, Privileges, Role, Workload
from scanner.deployments.yaml_documents import unrendered
from scanner.deployments.yaml_nodes import Document, Entries, Items, Node, Scalar
from scanner.deployments.yaml_scalars import Dialect
from scanner.domain.limits import Limits
from scanner.domain.printable import printable
from scanner.domain.start import Start, StartedBy, UserNamespace

_TEMPLATES: Final = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_ELSEWHERE: Final = ("spec", "template", "spec")
_ROLES: Final = {
    "initContainers": Role.INIT,
    "containers": Role.CONTAINER,
    "ephemeralContainers": Role.EPHEMERAL,
}
_HOST_NAMESPACES: Final = ("hostNetwork", "hostPID", "hostIPC")
_VOLUME_WITHOUT_TYPE: Final = "emptyDir"
_MOST_GROUPS: Final = 1_000
_TOO_MANY_GROUPS: Final = f"It has more than {_MOST_GROUPS} supplemental groups, which are not followed."
_NODE_RANGE_START: Final = 65_536
"""kubelet gives pods ranges of 65,536 ids that begin above the first."""


def objects(document: Document, limits: Limits) -> Iterator[View]:
    """The objects of a document: itself, or the members of a ``List``, which may be lists again.

    :raises DeploymentProblem: for more objects than ``deployment_documents``.
    """
    waiting = [View(Reading(Dialect.KUBERNETES), document.root, "", document.root.line)]
    given = 0
    while waiting:
        found = waiting.pop()
        kind = found.get("kind").scalar()
        if isinstance(kind, str) and kind.endswith("List") and isinstance(found.get("items").node, Items):
            # Each object is read for itself, so its paths begin at its own root.
            members = [
                View(Reading(Dialect.KUBERNETES), item.node, "", item.line) for item in found.get("items").items()
            ]
            given += len(members)
            if given > limits.deployment_documents:
                allowed = limits.deployment_documents
                raise too_much("deployment_documents", allowed, "lists hold more objects", line=found.line)
            waiting += reversed(members)
        else:
            yield found


def is_object(root: Node) -> bool:
    """Whether it says what kind of object it is."""
    return isinstance(root, Entries) and "kind" in root.values


def kind_of(found: View) -> str:
    """The kind, safe to show."""
    kind = found.get("kind").scalar()
    return printable(kind, longest=100) if isinstance(kind, str) and kind else "object without a kind"


def pod_spec(found: View) -> View | None:
    """The pod specification in an object; ``None`` where there is none."""
    kind = found.get("kind").scalar()
    spec = found.at(*_TEMPLATES.get(kind if isinstance(kind, str) else "", _ELSEWHERE))
    return spec if isinstance(spec.node, Entries) and "containers" in spec.node.values else None


def holds_containers(root: Node) -> bool:
    """Whether ``containers`` stands anywhere with a list behind it that names an image."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        if isinstance(node, Entries):
            found = node.values.get("containers")
            if isinstance(found, Items) and any(isinstance(c, Entries) and "image" in c.values for c in found.items):
                return True
        below = node.values.values() if isinstance(node, Entries) else node.items if isinstance(node, Items) else ()
        for child in below:
            if not isinstance(child, Scalar) and id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
    return False


def workload(found: View, spec: View, document: Document) -> Workload:
    """Read one object.

    :raises DeploymentProblem: where a template's braces stand for a value.
    """
    metadata = found.get("metadata")
    name = metadata.get("name").text() or metadata.get("generateName").text() or ""
    pod = _pod(spec)
    validate_pod(spec)
    containers = tuple(_containers(spec, pod, document.number))
    return Workload(
        kind=kind_of(found),
        name=printable(name, longest=253),
        namespace=printable(metadata.get("namespace").text() or "", longest=63),
        source=document.source,
        place=Place(document.number, found.line, spec.path),
        containers=containers,
        pod=pod,
        faults=tuple(found.reading.faults),
    )


def container_count(spec: View) -> int:
    """How many containers a pod specification holds."""
    lists = (spec.get(key).node for key in _ROLES)
    return sum(len(node.items) for node in lists if isinstance(node, Items))


def _pod(spec: View) -> Pod:
    context = spec.get("securityContext")
    groups = [gid for view in context.get("supplementalGroups").items() if (gid := view.integer()) is not None]
    volumes = tuple(
        (printable(view.get("name").text() or "", longest=253), _type(view)) for view in spec.get("volumes").items()
    )
    return Pod(
        run_as_user=context.get("runAsUser").integer(),
        run_as_group=context.get("runAsGroup").integer(),
        groups=tuple(groups[:_MOST_GROUPS]),
        merge_groups=context.get("supplementalGroupsPolicy").text() != "Strict",
        fs_group=context.get("fsGroup").integer(),
        run_as_non_root=context.get("runAsNonRoot").flag(),
        seccomp=context.at("seccompProfile", "type").text(),
        host_users=spec.get("hostUsers").flag(),
        host_namespaces=tuple(name for name in _HOST_NAMESPACES if spec.get(name).flag()),
        os=spec.at("os", "name").text() or "",
        volumes=volumes,
        open=(_TOO_MANY_GROUPS,) if len(groups) > _MOST_GROUPS else (),
    )


def _type(volume: View) -> str:
    if not isinstance(volume.node, Entries):
        return ""
    types = [key for key, value in volume.node.values.items() if key != "name" and not _null(value)]
    return printable(types[0], longest=100) if types else _VOLUME_WITHOUT_TYPE


def _null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value(Dialect.KUBERNETES) is None


def _containers(spec: View, pod: Pod, document: int) -> Iterator[Container]:
    kinds = dict(pod.volumes)
    for key, role in _ROLES.items():
        for view in spec.get(key).items():
            validate_container(view)
            container = _container(view, role, pod, document)
            yield replace(container, mounts=tuple(_mounts(view, kinds)))


def _container(view: View, role: Role, pod: Pod, document: int) -> Container:
    own = view.get("securityContext")
    privileges = _privileges(own)
    identity = OwnIdentity(
        own.get("runAsUser").integer(), own.get("runAsGroup").integer(), own.get("runAsNonRoot").flag()
    )
    return Container(
        name=printable(view.get("name").text() or "", longest=253),
        role=role,
        place=Place(document, view.line, view.path),
        image=_image(view.get("image")),
        start=_start(identity, privileges, pod),
        privileges=privileges,
        own=identity,
        own_command=view.get("command").given or view.get("args").given,
        open=pod.open,
        undecided=bool(pod.open),
    )


def _privileges(own: View) -> Privileges:
    return Privileges(
        privileged=own.get("privileged").flag(),
        escalation=own.get("allowPrivilegeEscalation").flag(),
        read_only_root=own.get("readOnlyRootFilesystem").flag(),
        drop=_shown(own.at("capabilities", "drop").texts()),
        add=_shown(own.at("capabilities", "add").texts()),
        seccomp=own.at("seccompProfile", "type").text(),
    )


def _shown(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(printable(text, longest=100) for text in texts)


def _start(own: OwnIdentity, privileges: Privileges, pod: Pod) -> Start:
    """What kubelet makes of pod and container: the container's word counts where it has one."""
    return Start(
        by=StartedBy.KUBERNETES,
        run_as_user=own.run_as_user if own.run_as_user is not None else pod.run_as_user,
        run_as_group=own.run_as_group if own.run_as_group is not None else pod.run_as_group,
        run_as_non_root=own.run_as_non_root if own.run_as_non_root is not None else pod.run_as_non_root,
        supplemental_groups=pod.groups,
        merge_groups=pod.merge_groups,
        fs_group=pod.fs_group,
        user_namespace=UserNamespace(_NODE_RANGE_START) if pod.host_users is False else None,
        drop_capabilities=privileges.drops_all and not privileges.privileged,
        no_new_privileges=privileges.escalation is False,
    )


def _image(view: View) -> ImageName | None:
    written = view.text()
    if not written:
        return None
    if isinstance(view.node, Scalar) and (problem := unrendered(view.node)) is not None:
        raise problem
    return image_name(written, view.line)


def _mounts(view: View, volumes: dict[str, str]) -> Iterator[Mount]:
    for mount in view.get("volumeMounts").items():
        name = printable(mount.get("name").text() or "", longest=253)
        path = printable(mount.get("mountPath").text() or "", longest=500)
        yield Mount(name, path, volumes.get(name, ""), read_only=mount.get("readOnly").flag() is True)
