"""What each runtime does with an account file that is missing, no file, a loop, or too large."""

from __future__ import annotations

import pytest

from scanner.domain.facts import ImageFacts, ReadState
from scanner.domain.identity import Identity, Runtime, StartError
from scanner.domain.resolution import resolve_facts
from tests.support.facts import facts


def image(user: str, *, passwd: ReadState | None = None, group: ReadState | None = None) -> ImageFacts:
    return facts(user, b"app:x:7:8::/home/app:\n", b"g:x:9:app\n", passwd_state=passwd, group_state=group)


def shown(runtime: Runtime, found: ImageFacts) -> str:
    answer = resolve_facts(runtime, found).answer
    if isinstance(answer, StartError):
        return answer.message
    return f"{answer.uid}:{answer.gid} {list(answer.groups)}"


DOCKER, LEGACY, KUBERNETES = Runtime.DOCKER, Runtime.DOCKER_LEGACY, Runtime.KUBERNETES
CONTAINERD, CRIO, PODMAN = Runtime.CONTAINERD, Runtime.CRIO, Runtime.PODMAN
BUILDKIT, BUILDAH = Runtime.BUILDKIT, Runtime.BUILDAH
TOO_LARGE = "file exceeds 10485760 bytes"
PASSWD_STATES = [
    (DOCKER, ReadState.PRESENT, "app", "7:8 [9]"),
    (DOCKER, ReadState.MISSING, "app", "unable to find user app: no matching entries in passwd file"),
    (DOCKER, ReadState.MISSING, "5", "5:0 []"),
    (DOCKER, ReadState.NOT_REGULAR, "5", "5:0 []"),
    (LEGACY, ReadState.NOT_REGULAR, "5", "unable to find user 5: read /etc/passwd: is a directory"),
    (KUBERNETES, ReadState.NOT_REGULAR, "5", "read etc/passwd: is a directory"),
    (DOCKER, ReadState.LINK_LOOP, "5:5", "evalSymlinksInScope: too many links in /etc/passwd"),
    (KUBERNETES, ReadState.LINK_LOOP, "5", "openat etc/passwd: too many levels of symbolic links"),
    (DOCKER, ReadState.TOO_LARGE, "", f"unable to find user 0: read /etc/passwd: {TOO_LARGE}"),
    (KUBERNETES, ReadState.TOO_LARGE, "app", f"read etc/passwd: {TOO_LARGE}"),
]
GROUP_STATES = [
    (DOCKER, ReadState.TOO_LARGE, "5", "5:0 []"),
    (DOCKER, ReadState.TOO_LARGE, "7", f"unable to find groups for spec app: read /etc/group: {TOO_LARGE}"),
    (DOCKER, ReadState.TOO_LARGE, "5:5", f"unable to find groups for spec : read /etc/group: {TOO_LARGE}"),
    (DOCKER, ReadState.LINK_LOOP, "5:5", "evalSymlinksInScope: too many links in /etc/group"),
    (DOCKER, ReadState.MISSING, "app", "7:8 []"),
    (KUBERNETES, ReadState.TOO_LARGE, "app:g", f"read etc/group: {TOO_LARGE}"),
    (KUBERNETES, ReadState.LINK_LOOP, "5", "5:0 []"),
]


@pytest.mark.parametrize(("runtime", "state", "user", "answer"), PASSWD_STATES)
def test_passwd(runtime: Runtime, state: ReadState, user: str, answer: str) -> None:
    assert shown(runtime, image(user, passwd=state)) == answer


@pytest.mark.parametrize(("runtime", "state", "user", "answer"), GROUP_STATES)
def test_group(runtime: Runtime, state: ReadState, user: str, answer: str) -> None:
    assert shown(runtime, image(user, group=state)) == answer


@pytest.mark.parametrize("runtime", [DOCKER, LEGACY, KUBERNETES, CRIO, PODMAN])
@pytest.mark.parametrize("state", [ReadState.TOO_LARGE, ReadState.LINK_LOOP])
def test_a_passwd_that_cannot_be_read_is_never_an_identity(runtime: Runtime, state: ReadState) -> None:
    for user in ("", "app", "5", "5:5"):
        assert not isinstance(resolve_facts(runtime, image(user, passwd=state)).answer, Identity)
