"""What ``docker run`` would say to an image."""

from __future__ import annotations

from scanner.domain.facts import ImageFacts
from scanner.domain.identity import Runtime, StartError, will_not_start
from scanner.domain.resolution import resolve_facts
from scanner.platforms.answer import PlatformAnswer

_DAEMON = "Error response from daemon: "


def docker_run(facts: ImageFacts) -> PlatformAnswer:
    """Answer for the current engine without ``--user``: whether it starts, and as whom."""
    answer = resolve_facts(Runtime.DOCKER, facts).answer
    if isinstance(answer, StartError):
        return PlatformAnswer("refuse", f"{_DAEMON}{answer.message}")
    refusal = will_not_start(answer)
    if refusal is not None:
        return PlatformAnswer("refuse", f"{_DAEMON}{refusal.message}")
    return PlatformAnswer("admit", f"it starts as uid {answer.uid}, gid {answer.gid}")
