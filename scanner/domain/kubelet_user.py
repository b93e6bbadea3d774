"""What kubelet makes of an image's USER before any runtime sees it: the user half, and nothing of the group half.

So ``USER 9999:9999`` is 9999:9999 on Docker and, behind kubelet, 9999 with whatever group ``/etc/passwd`` gives: 0
where it has no such line.
"""

from __future__ import annotations

from scanner.domain import accounts
from scanner.domain.derivation import Trail
from scanner.domain.user_spec import NotANumber, OutOfRange, parse_int64


def image_user(text: str) -> int | str:
    """What the CRI tells kubelet of an image's USER: a uid, or a name; uid 0 where it names nobody.

    Source: ``getUserFromImage`` of containerd and CRI-O, and kubelet's ``getImageUser``.
    """
    half, _, _ = text.partition(":")
    if not half:
        return 0
    try:
        return parse_int64(accounts.encode(half))
    except (NotANumber, OutOfRange):
        return half


def what_kubelet_sends(text: str, trail: Trail) -> str:
    """The user the runtime is asked to start, for a pod without ``runAsUser``."""
    half, colon, group = text.partition(":")
    if colon and group:
        trail.say(f'kubelet sends only the user half of USER, so the group "{group}" is dropped')
    if not half:
        trail.say("USER names nobody, so kubelet sends uid 0")
    return str(image_user(text))
