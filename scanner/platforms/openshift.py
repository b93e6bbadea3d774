"""What OpenShift's constraints make of an image in a pod that sets no ``runAsUser``.

The constraints never look at an image: they give the pod the first uid of a range, a group of the same number for
volumes (fsGroup), no capabilities, and no way to gain any. USER does not count. So they always admit it; what may fail
is the start, and what may break is everything the new uid is not allowed to do.

Sources: ``scc-restricted-v2`` and ``scc-restricted-v3`` of openshift/cluster-kube-apiserver-operator,
openshift/apiserver-library-go ``mustrunasrange.go``, CRI-O ``GeneratePasswd`` and ``addImageVolumes``.
"""

from __future__ import annotations

from dataclasses import replace

from scanner.domain.arbitrary_uid import ARBITRARY_UID, Folder, volumes, walked, working_dir
from scanner.domain.capabilities import NO_CAPABILITIES
from scanner.domain.facts import ImageFacts
from scanner.domain.files import absolute
from scanner.domain.identity import Identity, Runtime, StartError
from scanner.domain.permission_evidence import folder_refusal
from scanner.domain.permissions import MAKE_FILES, Process
from scanner.domain.printable import printable
from scanner.domain.start import UserNamespace
from scanner.platforms.answer import PlatformAnswer
from scanner.platforms.starting import WINDOWS, executed, known_as, process_of
from scanner.platforms.user_namespaces import POD, unmapped

RESTRICTED_V3_RANGE = (1_000, 65_534)
"""It stands in the constraint itself, not in the namespace."""

_MOST_LISTED = 3
_VOLUME = "the volume"


def restricted_v2(facts: ImageFacts, first_uid: int = ARBITRARY_UID) -> PlatformAnswer:
    """Answer under restricted-v2, the default of authenticated users.

    :param first_uid: of the namespace's range, ``openshift.io/sa.scc.uid-range``.
    """
    return _under(facts, "restricted-v2", first_uid)


def restricted_v3(facts: ImageFacts, namespace: UserNamespace = POD) -> PlatformAnswer:
    """Answer under restricted-v3, which takes only pods with a user namespace (``hostUsers: false``).

    :param namespace: ids of its range that are not in the namespace cannot be taken on.
    """
    if facts.config.platform.os == "windows":
        return WINDOWS
    answer = _under(facts, "restricted-v3, for pods with hostUsers: false only", RESTRICTED_V3_RANGE[0])
    owner = unmapped(facts, namespace)
    if owner is None or answer.answer == "refuse":
        return answer
    said = f"{answer.message}; {printable(owner.path, longest=100)} belongs to {owner.node.uid}:{owner.node.gid}"
    return replace(answer, message=f"{said}, which no id of the pod is")


def _under(facts: ImageFacts, constraint: str, uid: int) -> PlatformAnswer:
    if facts.config.platform.os == "windows":
        return WINDOWS
    # A pod's runAsUser replaces USER; nothing sets a group, so it comes from /etc/passwd, else it is 0.
    asked = replace(facts, config=replace(facts.config, user=str(uid)))
    answer = known_as(Runtime.CRIO, asked)
    if isinstance(answer, StartError):
        return PlatformAnswer("refuse", answer.message)
    process = process_of(answer, uid)  # the fsGroup has the same number
    who = f"{constraint}: it starts as uid {answer.uid}, gid {answer.gid}, whatever USER says"
    found = executed(facts, process, NO_CAPABILITIES, who)
    if isinstance(found, PlatformAnswer):
        return found
    problems = _problems(facts, answer, process)
    if not problems:
        return PlatformAnswer("admit", f"{who}, and may write HOME, WORKDIR and volumes")
    more = f" and {len(problems) - _MOST_LISTED} more" if len(problems) > _MOST_LISTED else ""
    return PlatformAnswer("admit", f"{who}, but {'; '.join(problems[:_MOST_LISTED])}{more}")


def _problems(facts: ImageFacts, identity: Identity, process: Process) -> list[str]:
    """What stops working although it starts."""
    named: dict[str, list[str]] = {}
    for what, folder in (("HOME", Folder(absolute(identity.home))), ("WORKDIR", working_dir(facts))):
        named.setdefault(folder.path, []).append(what)
    for folder in volumes(facts):
        named.setdefault(folder.path, []).append(_VOLUME)
    found = (_problem(facts, path, names, process) for path, names in named.items())
    return [problem for problem in found if problem]


def _problem(facts: ImageFacts, path: str, names: list[str], process: Process) -> str:
    shown = f"{' and '.join(names)} {printable(path, longest=80)}"
    walk = walked(facts, path)
    if isinstance(walk, str):
        return f"whether {shown} can be written is not known"
    refusal = folder_refusal(walk, process, MAKE_FILES, "it")
    if refusal is None or (refusal.missing and _VOLUME in names):
        return ""  # CRI-O makes a missing volume folder for the process; a missing WORKDIR is made for root
    return f"{shown} {'does not exist' if refusal.missing else 'cannot be written'}"
