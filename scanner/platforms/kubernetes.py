"""What kubelet and Pod Security Admission would say to an image.

Source: kubelet ``verifyRunAsNonRoot`` (``security_context_others.go`` and ``security_context_windows.go``), as it is
since 1.34, and pod-security-admission ``policy/check_*.go``. kubelet looks at the config's USER string only: an account
that is uid 1000 in the image is refused for being a name, and ``root`` is refused for the same reason.
"""

from __future__ import annotations

from scanner.domain.capabilities import NO_CAPABILITIES
from scanner.domain.containerd_user import image_user
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import Runtime, StartError
from scanner.domain.user_spec import MAX_ID, go_text
from scanner.platforms.answer import PlatformAnswer as PlatformAnswer
from scanner.platforms.starting import executed, known_as, process_of

Answer = PlatformAnswer
_WINDOWS_ADMINISTRATOR = "containeradministrator"


def run_as_non_root(user: str, *, os: str = "linux") -> PlatformAnswer:
    """Answer for a pod with ``runAsNonRoot: true`` and no ``runAsUser``.

    :param user: the image's USER, verbatim.
    :param os: the image's operating system.
    """
    text = go_text(user)
    if os == "windows":
        return _on_windows(text)
    found = image_user(text)
    if isinstance(found, str):
        said = f"image has non-numeric user ({found}), cannot verify user is non-root"
        return PlatformAnswer("refuse", f"container has runAsNonRoot and {said}")
    if found == 0:
        return PlatformAnswer("refuse", "container has runAsNonRoot and image will run as root")
    if not 0 < found <= MAX_ID:
        said = (
            f"image has an invalid user id ({found}). (Must be 1-({MAX_ID})): must be between 0 and {MAX_ID}, inclusive"
        )
        return PlatformAnswer("refuse", f"container has runAsNonRoot and {said}")
    return PlatformAnswer("admit", f"the image's user is the number {found}, which is not root")


def run_as_non_root_before_1_34(user: str, *, os: str = "linux") -> PlatformAnswer:
    """The same for kubelet 1.33 and older, which took any number that is not 0."""
    found = image_user(go_text(user))
    if os != "windows" and isinstance(found, int) and found != 0:
        return PlatformAnswer("admit", f"the image's user is the number {found}, which is not 0")
    return run_as_non_root(user, os=os)


def pod_security_restricted(facts: ImageFacts) -> PlatformAnswer:
    """Answer for a pod that Pod Security *restricted* admits, without ``runAsUser``.

    Admission itself never looks at an image: it demands ``runAsNonRoot: true`` and ``drop: [ALL]`` of the pod, so what
    refuses is kubelet, containerd when it starts the container, or the kernel when it executes the command: a file
    capability with the effective bit stops it there.
    """
    os = facts.config.platform.os
    asked = run_as_non_root(facts.config.user, os=os)
    if asked.answer != "admit" or os == "windows":
        return asked
    answer = known_as(Runtime.KUBERNETES, facts)
    if isinstance(answer, StartError):
        return PlatformAnswer("refuse", answer.message)
    started = f"a pod with runAsNonRoot starts it as uid {answer.uid}, gid {answer.gid}"
    found = executed(facts, process_of(answer), NO_CAPABILITIES, started)
    return found if isinstance(found, PlatformAnswer) else PlatformAnswer("admit", started)


def _on_windows(user: str) -> PlatformAnswer:
    if user.casefold() == _WINDOWS_ADMINISTRATOR:
        said = "which will be regarded as root identity and will break non-root policy"
        return PlatformAnswer("refuse", f"container's runAsUser ({user}) {said}")
    return PlatformAnswer("admit", "on Windows any image user besides ContainerAdministrator passes")
