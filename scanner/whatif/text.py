"""A what-if answer for a person at a terminal. Everything shown comes from the document, in which every string is safe.

::

    registry.example/shop/cart:1.4  BREAKS
    linux/amd64  it starts, and something that worked does not
      Who
        declared    uid 1001  gid 1001  groups none  home /home/app
        this start  uid 3000  gid 0  groups none  home /
      Works no more
        write in HOME / (was /home/app): / is mode 0755, owner 0:0
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_OUTCOMES = {
    "fine": "it starts, and all that worked still works",
    "breaks": "it starts, and something that worked does not",
    "stopped": "it does not start",
    "unknown": "it is not known what happens",
}
_REFUSERS = {
    "kubernetes-api": "The Kubernetes API",
    "openshift-admission": "OpenShift",
    "kubelet": "kubelet",
    "engine": "The engine",
}
_ROLES = {"home": "HOME", "workdir": "WORKDIR", "volume": "VOLUME", "temporary": "temporary files"}
_PLATFORMS = {
    "docker-run": "docker run",
    "podman-run": "podman run",
    "kubernetes-run-as-non-root": "Kubernetes runAsNonRoot",
    "pod-security-restricted": "Pod Security restricted",
    "openshift-restricted-v2": "OpenShift restricted-v2",
    "openshift-restricted-v3": "OpenShift restricted-v3",
    "user-namespace": "user namespace",
}
_FOLDER_WORDS = {"read": "list", "write": "write in", "execute": "enter"}
_SHOWN = 5


def as_text(report: Json) -> str:
    """The answers for all images of a reference, as lines."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Json) -> Iterator[str]:
    yield f"{report['reference']}  {report['outcome'].upper()}"
    if report["digest"]:
        yield report["digest"]
    if report["error"]:
        yield from _problem(report["error"])
    for image in report["images"]:
        yield ""
        yield from _image(image)


def _problem(problem: Json) -> Iterator[str]:
    yield f"  {problem['code']}: {problem['message']}"
    if problem["remedy"]:
        yield f"  {problem['remedy']}"


def _image(image: Json) -> Iterator[str]:
    answer = image["what_if"]
    if answer is None:
        yield f"{image['platform'] or 'image'}  {image['artifact'] or ''}".rstrip()
        if image["problem"]:
            yield from _problem(image["problem"])
        return
    yield f"{image['platform'] or 'image'}  {answer['not_applicable'] or _OUTCOMES[answer['outcome']]}"
    yield f"  {image['digest']}"
    if answer["error"]:
        refuser = _REFUSERS.get(answer["refused_by"] or "")
        yield f"  {f'{refuser} says' if refuser else 'Error'}: {answer['error']}"
    if answer["identity"] is not None:
        yield from _who(answer)
        yield from _platforms(answer["platforms"])
    if answer["consequences"] is not None:
        yield from _consequences(answer["consequences"])


def _who(answer: Json) -> Iterator[str]:
    yield "  Who"
    yield f"    {'declared':<12}{_identity(answer['declared'])}"
    yield f"    {'this start':<12}{_identity(answer['identity'])}"
    if answer["host"]:
        yield f"    {'on the host':<12}uid {answer['host']['uid']}  gid {answer['host']['gid']}"
    yield "  Why"
    for number, step in enumerate(answer["derivation"], start=1):
        yield f"    {number}. {step['text']}"


def _identity(identity: Json) -> str:
    if "error" in identity:
        return f"does not start: {identity['error']}"
    groups = ",".join(str(gid) for gid in identity["groups"]) or "none"
    return f"uid {identity['uid']}  gid {identity['gid']}  groups {groups}  home {identity['home'] or '(empty)'}"


def _platforms(platforms: Json) -> Iterator[str]:
    if platforms:
        yield "  Platforms"
    for name, answer in platforms.items():
        yield f"    {_PLATFORMS.get(name, name):<26}{answer['answer']:<9}{answer['message']}".rstrip()


def _consequences(found: Json) -> Iterator[str]:
    lost = [line for use in found["paths"] for line in _lost(use)]
    lost += [line for loss in found["trees"] for line in _tree(loss)]
    lost += [f"execute {path}: operation not permitted" for path in found["stopped_by_capabilities"]]
    yield from _section("Works no more", lost)
    kept = [line for use in found["paths"] for line in _never(use)]
    yield from _section("Did not work before either", kept)
    inert = found["setuid_inert"]
    if inert["count"]:
        shown = ", ".join(inert["examples"][:_SHOWN])
        yield from _section("Without effect now", [f"setuid or setgid of {_count(inert['count'], 'program')}: {shown}"])
    yield from _section("Not known", found["unknown"])
    yield from _section("Taken to be so", found["assumptions"])


def _section(heading: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"  {heading}"
        yield from (f"    {line}" for line in lines)


def _lost(use: Json) -> Iterator[str]:
    moved = "" if use["path"] == use["declared_path"] else f" (was {use['declared_path']})"
    for access in use["lost"]:
        place = f"{_ROLES[use['role']]} {use['path']}{moved}"
        yield f"{_FOLDER_WORDS[access]} {place}: {_reason(use['refusals'][access])}"


def _never(use: Json) -> Iterator[str]:
    """What neither identity can write; what cannot be listed or entered either is left to the JSON form."""
    if "write" in use["refusals"] and "write" not in use["lost"]:
        yield f"write in {_ROLES[use['role']]} {use['path']}: {_reason(use['refusals']['write'])}"


def _reason(denied: Json) -> str:
    if denied["missing"]:
        return f"{denied['path']} does not exist"
    return f"{denied['path']} is {_permissions(denied)}"


def _permissions(node: Json) -> str:
    return f"mode {node['mode']}, owner {node['uid']}:{node['gid']}"


def _tree(loss: Json) -> Iterator[str]:
    least = "at least " if loss["at_least"] else ""
    yield f"{loss['lost']} {least}{_count(loss['count'], loss['kind'])} below {loss['path']}"
    for found in loss["classes"][:_SHOWN]:
        yield f"  {found['count']:,} with {_permissions(found)}: {', '.join(found['examples'])}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
