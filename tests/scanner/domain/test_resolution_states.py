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
NOT_KEPT = "not known, because /etc/passwd exceeds the 10485760 bytes that are kept of it"
NOT_KEPT_GROUP = NOT_KEPT.replace("passwd", "group")
NOT_FOLLOWED = "unable to follow symlinks to {path} file: SecureJoin {path}: too many levels of symbolic links"
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
    (CONTAINERD, ReadState.NOT_REGULAR, "5", "read etc/passwd: is a directory"),
    (CONTAINERD, ReadState.LINK_LOOP, "5:5", "openat etc/passwd: too many levels of symbolic links"),
    (CONTAINERD, ReadState.TOO_LARGE, "", "0:0 []"),
    (CRIO, ReadState.NOT_REGULAR, "5", "unable to find user 5: read /etc/passwd: is a directory"),
    (CRIO, ReadState.LINK_LOOP, "5", NOT_FOLLOWED.format(path="/etc/passwd")),
    (CRIO, ReadState.LINK_LOOP, "app", "unable to find user app: no matching entries in passwd file"),
    (CRIO, ReadState.TOO_LARGE, "5", f"unable to find user 5: {NOT_KEPT}"),
    (PODMAN, ReadState.NOT_REGULAR, "5", "unable to find user 5: read /etc/passwd: is a directory"),
    (PODMAN, ReadState.LINK_LOOP, "", "SecureJoin /etc/passwd: too many levels of symbolic links"),
    (PODMAN, ReadState.TOO_LARGE, "5", f"unable to find user 5: {NOT_KEPT}"),
    (BUILDKIT, ReadState.NOT_REGULAR, "5", "unable to find user 5: read /etc/passwd: is a directory"),
    (BUILDKIT, ReadState.NOT_REGULAR, "5:5", "5:5 []"),
    (BUILDKIT, ReadState.LINK_LOOP, "5", "5:0 []"),
    (BUILDAH, ReadState.NOT_REGULAR, "5", "5:0 []"),
    (BUILDAH, ReadState.LINK_LOOP, "5", "5:0 []"),
    (BUILDAH, ReadState.TOO_LARGE, "5", NOT_KEPT),
]
GROUP_STATES = [
    (DOCKER, ReadState.TOO_LARGE, "5", "5:0 []"),
    (DOCKER, ReadState.TOO_LARGE, "7", f"unable to find groups for spec app: read /etc/group: {TOO_LARGE}"),
    (DOCKER, ReadState.TOO_LARGE, "5:5", f"unable to find groups for spec : read /etc/group: {TOO_LARGE}"),
    (DOCKER, ReadState.LINK_LOOP, "5:5", "evalSymlinksInScope: too many links in /etc/group"),
    (DOCKER, ReadState.MISSING, "app", "7:8 []"),
    (KUBERNETES, ReadState.TOO_LARGE, "app:g", f"read etc/group: {TOO_LARGE}"),
    (KUBERNETES, ReadState.LINK_LOOP, "5", "5:0 []"),
    (CONTAINERD, ReadState.LINK_LOOP, "7", "openat etc/group: too many levels of symbolic links"),
    (CRIO, ReadState.LINK_LOOP, "5", NOT_FOLLOWED.format(path="/etc/group")),
    (PODMAN, ReadState.LINK_LOOP, "5", "SecureJoin /etc/group: too many levels of symbolic links"),
    (PODMAN, ReadState.TOO_LARGE, "7:8", f"unable to find groups for spec app: {NOT_KEPT_GROUP}"),
    (BUILDAH, ReadState.TOO_LARGE, "7:8", "7:8 []"),
    (BUILDAH, ReadState.TOO_LARGE, "7", NOT_KEPT_GROUP),
    (BUILDAH, ReadState.TOO_LARGE, "7:g", NOT_KEPT_GROUP),
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
