"""What a user namespace makes of an image: ``userns-remap``, rootless engines, pods with ``hostUsers: false``.

Container ids 0 … size − 1 are ids of the host that nobody else has; all others are unmapped. A process cannot take on
an unmapped id, and a layer with an unmapped owner cannot be unpacked inside the namespace. (With idmapped mounts, as
under Kubernetes, it can: such files belong to the overflow id then.)

Sources: runc ``setupUser``, containerd ``pkg/archive/tar.go``, user_namespaces(7).
"""

from __future__ import annotations

from scanner.domain.capabilities import DOCKER_DEFAULT
from scanner.domain.facts import ImageFacts
from scanner.domain.files import Place
from scanner.domain.identity import Identity, Runtime, StartError, process_groups
from scanner.domain.printable import printable
from scanner.domain.start import UserNamespace
from scanner.platforms.answer import PlatformAnswer
from scanner.platforms.starting import WINDOWS, executed, known_as, process_of, starts_as

USUAL = UserNamespace(100_000)
"""What ``useradd`` gives the first account in ``/etc/subuid``, and Docker to ``dockremap``."""

POD = UserNamespace(65_536)
"""kubelet maps 65,536 ids for each pod, the first ones of the host left out."""

_HINT = "(Hint: try increasing the number of subordinate IDs in /etc/subuid and /etc/subgid)"


def user_namespace(facts: ImageFacts, namespace: UserNamespace = USUAL) -> PlatformAnswer:
    """Answer of an engine that maps ids, without ``--user``."""
    if facts.config.platform.os == "windows":
        return WINDOWS
    owner = unmapped(facts, namespace)
    if owner is not None:
        return PlatformAnswer("refuse", cannot_unpack(owner))
    answer = _mapped(known_as(Runtime.DOCKER, facts), namespace)
    if isinstance(answer, StartError):
        return PlatformAnswer("refuse", answer.message)
    who = f"{starts_as(answer)}; on the host uid {namespace.start + answer.uid}, gid {namespace.start + answer.gid}"
    found = executed(facts, process_of(answer, capable=True), DOCKER_DEFAULT, who)
    return found if isinstance(found, PlatformAnswer) else PlatformAnswer("admit", who)


def unmapped(facts: ImageFacts, namespace: UserNamespace) -> Place | None:
    """A place whose owner or group is not in the namespace, where there is one."""
    files = facts.files
    if files is None:
        return None
    if files.highest_uid is not None and files.highest_uid.node.uid >= namespace.size:
        return files.highest_uid
    if files.highest_gid is not None and files.highest_gid.node.gid >= namespace.size:
        return files.highest_gid
    return None


def _mapped(answer: Identity | StartError, namespace: UserNamespace) -> Identity | StartError:
    if isinstance(answer, StartError):
        return answer
    # The primary gid is among the supplementary ones, which are set first.
    if any(gid >= namespace.size for gid in (answer.gid, *process_groups(answer))):
        return StartError("setgroups: invalid argument")
    if answer.uid >= namespace.size:
        return StartError(f"cannot setuid to unmapped uid {answer.uid} in user namespace")
    return answer


def cannot_unpack(place: Place) -> str:
    """What engines say of a layer with an owner that is not mapped."""
    path = printable(place.path, longest=150)
    ids = f"for UID {place.node.uid}, GID {place.node.gid}"
    return f'failed to Lchown "{path}" {ids}: lchown {path}: invalid argument {_HINT}'
