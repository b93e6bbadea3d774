"""What to change so that a start works, written for one image: its own accounts, paths and base."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import remedy, run_each, run_on
from scanner.domain.fixes import Account, block, run_as_account, someone_else
from scanner.domain.identity import Identity
from scanner.domain.permission_fixes import home_instead, open_folders, openable, volumes_instead
from scanner.domain.permissions import Access
from scanner.domain.printable import printable, quoted
from scanner.domain.user_spec import MAX_ID
from scanner.platforms.user_namespaces import unmapped
from scanner.whatif.answer import Consequences, PathUse, Refusal, RefusedBy, Role, Started, WhatIf


def fix_of(facts: ImageFacts, found: WhatIf) -> str:
    """Markdown with what to change in the image or in the start; empty where nothing needs to change."""
    if found.not_applicable:
        return ""
    refusal = found.started.refusal
    if refusal is not None:
        return _BY_REFUSER[refusal.by](facts, found.started, refusal)
    if found.consequences is None:
        return _by_number(facts, found.started, "The runtime does not start it.")
    program = found.consequences.program
    if program is not None and program.problem is not None:
        return _program(facts, found.started, program.path)
    return "\n\n".join(_losses(facts, found.started, found.consequences))


def _by_number(facts: ImageFacts, started: Started, why: str) -> str:
    declared = started.declared_identity
    if declared is not None and 0 < declared.uid <= MAX_ID and declared.gid <= MAX_ID:
        account = Account("", declared.uid, declared.gid, exists=True)
        opening = f"{why} The image's own user is uid {declared.uid}, gid {declared.gid}: say so by number."
        return run_as_account(facts, opening, account, create=False)
    return run_as_account(facts, f"{why} Start it as an account that is not root, by number.", someone_else(facts))


def _refused_by_api(facts: ImageFacts, started: Started, _refusal: Refusal) -> str:
    return _by_number(facts, started, f"Kubernetes takes ids from 0 to {MAX_ID} only.")


def _refused_by_kubelet(facts: ImageFacts, started: Started, _refusal: Refusal) -> str:
    return _by_number(facts, started, "With runAsNonRoot kubelet wants a user that is a number, and not 0.")


def _refused_by_openshift(_facts: ImageFacts, _started: Started, _refusal: Refusal) -> str:
    said = (
        "Leave `runAsUser` and `fsGroup` out: OpenShift fills both in from the range of the namespace. An image that "
        "needs one uid needs a service account with the constraint `nonroot-v2`."
    )
    yaml = ("securityContext:", "  runAsNonRoot: true", "  allowPrivilegeEscalation: false")
    return f"{said}\n\n{block('yaml', yaml)}"


def _refused_by_engine(facts: ImageFacts, started: Started, _refusal: Refusal) -> str:
    namespace = started.start.user_namespace
    place = None if namespace is None else unmapped(facts, namespace)
    if namespace is None or place is None:
        return ""
    owner = f"{quoted(place.path)} belongs to {place.node.uid}:{place.node.gid}"
    needed = max(place.node.uid, place.node.gid) + 1
    return (
        f"{owner}, and the namespace maps ids below {namespace.size:,} only. Give it an owner below that in the step "
        "that makes it (`COPY --chown`, `tar --no-same-owner`): a later `chown` leaves the layer as it is. Or map "
        f"at least {needed:,} ids in `/etc/subuid` and `/etc/subgid`."
    )


_BY_REFUSER: Final[Mapping[RefusedBy, Callable[[ImageFacts, Started, Refusal], str]]] = {
    RefusedBy.API: _refused_by_api,
    RefusedBy.KUBELET: _refused_by_kubelet,
    RefusedBy.OPENSHIFT: _refused_by_openshift,
    RefusedBy.ENGINE: _refused_by_engine,
}


def _program(facts: ImageFacts, started: Started, path: str) -> str:
    identity = started.identity
    who = "the process" if identity is None else f"uid {identity.uid}"
    said = f"Make {quoted(path)} a program {who} can read and execute, and every folder above it one it can enter."
    return remedy(said, run_on(facts, "chmod a+rx", [path]))


def _losses(facts: ImageFacts, started: Started, found: Consequences) -> Iterator[str]:
    identity = started.identity
    if identity is None:
        return
    moved = next(
        (use for use in found.paths if use.role is Role.HOME and use.lost and use.path != use.before_path), None
    )
    if moved is not None:
        yield _home(facts, identity, moved)
    kept = [use for use in found.paths if use.lost and use is not moved]
    paths = [*(use.path for use in kept), *(loss.path for loss in found.trees)]
    if paths:
        volumes = [use.path for use in kept if use.role is Role.VOLUME and Access.WRITE in use.lost]
        yield _folders(facts, identity, paths, volumes)
    if found.privileges.stopped:
        said = "Without capabilities a program that carries some does not start. Take them off it:"
        yield remedy(said, run_each(facts, found.privileges.stopped, "setcap -r {0}"))


def _home(facts: ImageFacts, identity: Identity, use: PathUse) -> str:
    said = (
        f"HOME is {quoted(use.path)} for uid {identity.uid}, because no account has that number. Name a HOME in the "
        "image, so that it does not depend on accounts."
    )
    folders = openable([use.before_path])
    lines = [f"ENV HOME={folder}" for folder in folders]
    return home_instead(said, lines)


def _folders(facts: ImageFacts, identity: Identity, paths: list[str], volumes: list[str]) -> str:
    own = openable(paths)
    named = ", ".join(quoted(printable(path, longest=200)) for path in dict.fromkeys(paths))
    if identity.gid == 0 or 0 in identity.groups:
        said = f"It has group 0. Give {named} to that group, with the rights of the owner: this works for any uid."
        lines = open_folders(facts, own)
    else:
        ids = f"{identity.uid}:{identity.gid}"
        said = f"Give {named} to {ids}, or start it with group 0 (`-u {identity.uid}:0`) and open them to that group."
        lines = run_on(facts, f"chown -R {ids}", own)
    if not own:
        said = f"{said} These are not folders to open up in an image: have it write somewhere else, or mount a volume."
    return volumes_instead(said, lines, openable(volumes))
