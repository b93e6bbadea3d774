"""What ``docker run`` and ``podman run`` would say to an image, without ``--user``."""

from __future__ import annotations

from scanner.domain.capabilities import DOCKER_DEFAULT, PODMAN_DEFAULT
from scanner.domain.execution import NO_COMMAND
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import Runtime, StartError
from scanner.platforms.answer import PlatformAnswer
from scanner.platforms.starting import WINDOWS, executed, known_as, process_of, starts_as

_DAEMON = "Error response from daemon: "
_PODMAN = "Error: "
_PODMAN_NO_COMMAND = "no command or entrypoint provided, and no CMD or ENTRYPOINT from image"
_INIT = "runc create failed: unable to start container process: "
_LOOKED_UP = "exec: "


def docker_run(facts: ImageFacts) -> PlatformAnswer:
    """Answer of the current engine: whether it starts, and as whom."""
    found = _run(facts, Runtime.DOCKER, DOCKER_DEFAULT)
    if found.answer != "refuse":
        return found
    # What execve says comes from the container, which is running by then; what runc looks up, from the daemon.
    if found.message.startswith(_LOOKED_UP):
        return PlatformAnswer("refuse", f"{_DAEMON}OCI runtime create failed: {_INIT}{found.message}")
    return found if _from_the_container(found) else PlatformAnswer("refuse", _DAEMON + found.message)


def podman_run(facts: ImageFacts) -> PlatformAnswer:
    """Answer of Podman with runc."""
    found = _run(facts, Runtime.PODMAN, PODMAN_DEFAULT)
    if found.answer != "refuse" or _from_the_container(found):
        return found
    if found.message == NO_COMMAND:
        return PlatformAnswer("refuse", _PODMAN + _PODMAN_NO_COMMAND)
    if found.message.startswith(_LOOKED_UP):
        return PlatformAnswer("refuse", f"{_PODMAN}runc: {_INIT}{found.message}: {_what_podman_adds(found.message)}")
    return PlatformAnswer("refuse", _PODMAN + found.message)


def _run(facts: ImageFacts, runtime: Runtime, bounding: frozenset[str]) -> PlatformAnswer:
    if facts.config.platform.os == "windows":
        return WINDOWS
    answer = known_as(runtime, facts)
    if isinstance(answer, StartError):
        return PlatformAnswer("refuse", answer.message)
    who = starts_as(answer)
    found = executed(facts, process_of(answer, capable=True), bounding, who)
    return found if isinstance(found, PlatformAnswer) else PlatformAnswer("admit", who)


def _from_the_container(found: PlatformAnswer) -> bool:
    return found.message.startswith(("exec /", "exec .", "its interpreter "))


def _what_podman_adds(said: str) -> str:
    if said.endswith("permission denied"):
        return "OCI permission denied"
    return "OCI runtime attempted to invoke a command that was not found"
