"""The last step every platform shares: somebody is known, and the image's command is executed as them."""

from __future__ import annotations

from scanner.domain.execution import Execution, execute
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import Identity, Runtime, StartError, will_not_start
from scanner.domain.permissions import Process
from scanner.domain.preparation import obstacle
from scanner.domain.resolution import resolve_facts
from scanner.platforms.answer import PlatformAnswer

WINDOWS = PlatformAnswer("unknown", "a Windows image has no uids")


def known_as(runtime: Runtime, facts: ImageFacts) -> Identity | StartError:
    """Who the image runs as, unless the kernel refuses the ids."""
    answer = resolve_facts(runtime, facts).answer
    return answer if isinstance(answer, StartError) else will_not_start(answer) or answer


def process_of(identity: Identity, *more_gids: int, capable: bool = False) -> Process:
    """An identity as the kernel sees it.

    :param capable: whether root keeps CAP_DAC_OVERRIDE.
    """
    gids = frozenset((identity.gid, *identity.groups, *more_gids))
    return Process(identity.uid, gids, overrides=capable and identity.uid == 0)


def executed(
    facts: ImageFacts, process: Process, bounding: frozenset[str], admitted: str
) -> PlatformAnswer | Execution:
    """The answer where nothing is started or the command is not executed, or that cannot be told; else the execution.

    :param admitted: what to say of the identity while nobody knows about the command.
    """
    unprepared = obstacle(facts)
    if unprepared is not None:
        return PlatformAnswer("refuse", unprepared.said)
    found = execute(facts, process, bounding)
    if found.problem:
        return PlatformAnswer("refuse", found.problem)
    if found.unknown:
        return PlatformAnswer("unknown", f"{admitted}, if its command can be executed. {found.unknown}")
    return found


def starts_as(identity: Identity) -> str:
    """Who it is, in words; root by name."""
    root = "root, " if identity.uid == 0 else ""
    return f"it starts as {root}uid {identity.uid}, gid {identity.gid}"
