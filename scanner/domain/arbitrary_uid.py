"""The process OpenShift starts, and ``docker run -u 1000650000``: a uid no account file knows, in group 0.

It has no capabilities, owns nothing, and gets what group 0 gets. HOME is the environment's, else ``/`` because no line
of ``/etc/passwd`` names its uid (runc ``prepareEnv``); CRI-O writes such a line first and puts WORKDIR there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import NOT_READ
from scanner.domain.files import Walk, absolute
from scanner.domain.identity import Identity, Runtime
from scanner.domain.permission_evidence import Refusal, folder_refusal
from scanner.domain.permissions import MAKE_FILES, Process
from scanner.domain.printable import quoted
from scanner.domain.resolution import resolve_facts

ARBITRARY_UID = 1_000_650_000
"""What people read in its place; nothing is ever compared with it."""

ARBITRARY = Process(uid=-1, gids=frozenset({0}))
"""An image may own files as any uid there is, so the process of this profile has none."""

WHO = "group 0"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder the config names.

    :param path: absolute.
    :param declared: ``False`` where it is what runtimes fall back to.
    """

    path: str
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking whether the process can make files in a folder.

    :param unknown: why that cannot be told; ``refusal`` is ``None`` then.
    """

    folder: Folder
    refusal: Refusal | None = None
    unknown: str = ""


def home(facts: ImageFacts) -> Folder:
    """HOME of an unknown uid. An empty one counts as none."""
    found = facts.config.environment("HOME")
    return Folder(absolute(found)) if found else Folder("/", declared=False)


def home_on_openshift(facts: ImageFacts) -> str | None:
    """HOME as CRI-O arranges it for a uid it does not know; ``None`` where it does not start."""
    asked = replace(facts, config=replace(facts.config, user=str(ARBITRARY_UID)))
    answer = resolve_facts(Runtime.CRIO, asked).answer
    return absolute(answer.home) if isinstance(answer, Identity) else None


def working_dir(facts: ImageFacts) -> Folder:
    """Where the process starts."""
    found = facts.config.working_dir
    return Folder(absolute(found)) if found else Folder("/", declared=False)


def volumes(facts: ImageFacts) -> list[Folder]:
    """VOLUMEs, each once."""
    return [Folder(path) for path in dict.fromkeys(map(absolute, facts.config.volumes))]


def can_write(facts: ImageFacts, folder: Folder) -> Asked:
    """Whether it can make files in a folder as the layers have it. A missing one is made by root, for root."""
    walk = walked(facts, folder.path)
    if isinstance(walk, str):
        return Asked(folder, unknown=walk)
    return Asked(folder, folder_refusal(walk, ARBITRARY, MAKE_FILES, WHO))


def walked(facts: ImageFacts, path: str) -> Walk | str:
    """The walk to a path, or why there is none, as a sentence."""
    if facts.files is None:
        return NOT_READ
    walk = facts.files.walk(path)
    if walk is None:
        return f"The layers were not searched for {quoted(path)}; the next scan reads the image again."
    return walk
