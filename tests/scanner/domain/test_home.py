"""HOME under every runtime: what the environment says, what an account says, and what is made up."""

from __future__ import annotations

import pytest

from scanner.domain.home import Surroundings, home_of, surroundings
from scanner.domain.identity import AccountBytes, Identity, Runtime, resolve

ROOT = b"root:x:0:0::/root:\n"
APP = ROOT + b"app:x:7:7::/home/app:\n"
RUNC = (Runtime.DOCKER, Runtime.DOCKER_LEGACY, Runtime.CONTAINERD, Runtime.KUBERNETES, Runtime.BUILDKIT)
CRIO, PODMAN, BUILDAH = Runtime.CRIO, Runtime.PODMAN, Runtime.BUILDAH


def home(
    runtime: Runtime, user: str, passwd: bytes | None, env: list[str], working_dir: str = "/work", mode: int = 0o644
) -> str:
    files = AccountBytes(passwd, None, passwd_mode=mode)
    answer = resolve(runtime, user, files, env, working_dir).answer
    assert isinstance(answer, Identity)
    return answer.home


@pytest.mark.parametrize("runtime", Runtime)
@pytest.mark.parametrize("user", ["app", "7", "9999"])
def test_the_environment_wins_under_every_runtime(runtime: Runtime, user: str) -> None:
    assert home(runtime, user, APP, ["A=1", "HOME=/first", "HOME=/data"]) == "/data"


@pytest.mark.parametrize("runtime", Runtime)
@pytest.mark.parametrize("user", ["app", "7"])
def test_an_account_has_a_home_under_every_runtime(runtime: Runtime, user: str) -> None:
    assert home(runtime, user, APP, ["XHOME=/x"]) == "/home/app"


@pytest.mark.parametrize(
    ("runtime", "wanted"),
    [*((runtime, "/home/app") for runtime in (*RUNC, BUILDAH)), (CRIO, ""), (PODMAN, "")],
)
def test_an_empty_home(runtime: Runtime, wanted: str) -> None:
    assert home(runtime, "app", APP, ["HOME="]) == wanted


@pytest.mark.parametrize("runtime", [*RUNC, BUILDAH])
def test_a_uid_without_an_account(runtime: Runtime) -> None:
    assert home(runtime, "9999", APP, []) == "/"


# What Podman and CRI-O make up for a uid without an account.
@pytest.mark.parametrize(
    ("runtime", "user", "passwd", "working_dir", "wanted"),
    [
        (PODMAN, "9999", APP, "/work", "/work"),
        (PODMAN, "9999", APP, "", "/"),
        (PODMAN, "9999:5", None, "/work", "/work"),
        (PODMAN, "+9999", APP, "/work", ""),  # a sign keeps it from being a number, so no line is added
        (PODMAN, "9999", APP[:-1], "/work", ""),  # the added line is swallowed by the one without an end
        (PODMAN, "", None, "/work", ""),
        (PODMAN, "", APP, "/work", "/root"),
        (CRIO, "9999", APP, "/work", "/work"),
        (CRIO, "9999", APP, "", "/"),
        (CRIO, "+9999", APP, "/work", "/work"),
        (CRIO, "9999", None, "/work", "/"),
        (CRIO, "9999", b"", "/work", "/"),
        (CRIO, "9999", APP[:-1], "/work", "/"),
        (CRIO, "", b"app:x:7:7:::\n", "/work", "/"),  # root owns the file and may write it
        (CRIO, "big", b"big:x:4294967295:7::/big:\n", "/work", "/big"),
        (CRIO, "wrap", b"wrap:x:4294967303:7::/wrap:\n", "/work", "/work"),
    ],
)
def test_made_up(runtime: Runtime, user: str, passwd: bytes | None, working_dir: str, wanted: str) -> None:
    assert home(runtime, user, passwd, [], working_dir) == wanted


@pytest.mark.parametrize(
    ("mode", "owner", "wanted"),
    [
        (0o644, 0, "/work"),
        (0o664, 0, "/"),
        (0o646, 0, "/"),
        (0o600, 0, "/work"),
        (0o644, 9999, "/"),
        (0o444, 9999, "/work"),
        (0o466, 9999, "/"),
    ],
)
def test_cri_o_adds_no_line_to_a_file_others_may_write(mode: int, owner: int, wanted: str) -> None:
    files = AccountBytes(APP, None, passwd_mode=mode, passwd_owner=owner)
    answer = resolve(CRIO, "9999", files, (), "/work").answer
    assert isinstance(answer, Identity)
    assert answer.home == wanted


def test_buildah_reads_homes_with_its_own_parser() -> None:
    passwd = ROOT + b"# odd\napp:x:7:7::/home/app:\n"
    assert [home(runtime, "7", passwd, []) for runtime in (Runtime.BUILDKIT, BUILDAH)] == ["/home/app", "/"]


@pytest.mark.parametrize(
    ("env", "working_dir", "wanted"),
    [
        ((), "", Surroundings(None, "/")),
        (("HOME=",), "/w", Surroundings("", "/w")),
        (("HOME=/a", "PATH=/", "HOME=/b"), "/w", Surroundings("/b", "/w")),
    ],
)
def test_surroundings(env: tuple[str, ...], working_dir: str, wanted: Surroundings) -> None:
    assert surroundings(env, working_dir) == wanted


@pytest.mark.parametrize(("passwd", "wanted"), [(None, "/"), (b"", "/"), (APP, "/home/app"), (b"a:x:7:7:::\n", "")])
def test_home_of(passwd: bytes | None, wanted: str) -> None:
    assert home_of(7, passwd) == wanted
