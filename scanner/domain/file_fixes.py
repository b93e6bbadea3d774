"""What to change about files of an image and about how it is started, written for one image.

As in ``scanner.domain.fixes``: a path gets into a code block only when it is made of harmless characters.
"""

from __future__ import annotations

from collections.abc import Sequence

from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import base_family, block, safe_path

_MOST_PATHS = 20
_MOST_LINES = 8
_LINE = 100

BEFORE_USER = "# while the build is still root: before the last USER"


def remedy(prose: str, dockerfile: Sequence[str], kubernetes: Sequence[str] = (), compose: Sequence[str] = ()) -> str:
    """Prose, Dockerfile lines, and what helps on Kubernetes and in Compose until the image is rebuilt."""
    parts = [prose]
    if dockerfile:
        parts.append(block("dockerfile", dockerfile))
    if kubernetes:
        parts += ["Until it is rebuilt, on Kubernetes:", block("yaml", kubernetes)]
    if compose:
        parts += ["and in Compose:" if kubernetes else "Until it is rebuilt, in Compose:", block("yaml", compose)]
    return "\n\n".join(parts)


NO_ESCALATION_KUBERNETES = ("securityContext:", "  allowPrivilegeEscalation: false")
NO_ESCALATION_COMPOSE = ("security_opt:", "  - no-new-privileges:true")


def run_on(facts: ImageFacts, command: str, paths: Sequence[str], *, everywhere: str = "") -> list[str]:
    """``RUN command paths…``, in lines of a readable length; none where no ``RUN`` can work in the last stage.

    :param everywhere: a command that finds the files itself, for paths that cannot stand in a shell line or are many.
    """
    if not base_family(facts).has_shell:
        return []
    safe = [path for path in dict.fromkeys(paths) if safe_path(path)]
    if everywhere and (len(safe) < len(set(paths)) or len(safe) > _MOST_PATHS):
        return [BEFORE_USER, f"RUN {everywhere}"]
    if not safe:
        return []
    return [BEFORE_USER, *_folded(f"RUN {command}", safe[:_MOST_PATHS])]


def run_each(facts: ImageFacts, paths: Sequence[str], command: str) -> list[str]:
    """One ``RUN`` line for each path that can stand in a shell line; none where no ``RUN`` can work.

    :param command: with ``{0}`` where the path belongs.
    """
    safe = [path for path in dict.fromkeys(paths) if safe_path(path)]
    if not safe or not base_family(facts).has_shell:
        return []
    return [BEFORE_USER, *(f"RUN {command.format(path)}" for path in safe[:_MOST_LINES])]


def _folded(start: str, words: Sequence[str]) -> list[str]:
    lines, current = [], start
    for word in words:
        if len(current) + len(word) + 1 > _LINE:
            lines.append(f"{current} \\")
            current = "   "
        current += f" {word}"
    return [*lines, current]


def in_build_stage(facts: ImageFacts, what: str) -> str:
    """A sentence for images without a shell, where ``RUN`` cannot work; empty for others."""
    family = base_family(facts)
    return "" if family.has_shell else f" This is {family}, with no shell to run anything: {what}"
