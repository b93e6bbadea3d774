from __future__ import annotations

from collections.abc import Mapping

import pytest

from scanner.domain.files import FileFacts, WalkState, absolute
from scanner.domain.image_config import ImageConfig, Platform
from scanner.filesystem import file_facts as module
from scanner.filesystem.file_facts import file_facts
from tests.support.archives import rootfs as stacked
from tests.support.images import Entry, File, Symlink

PASSWD = b"root:x:0:0::/root:/bin/sh\nbin:x:2:2::/usr/bin:\napp:x:1000:1000::/home/app:\nempty:x:5:5:::\n"
TREE: Mapping[str, Entry] = {
    "etc/passwd": File(PASSWD),
    "root/.profile": File(),
    "home/app/notes": File(uid=1000),
    "srv/app/start": File(b"#!/bin/sh\n", 0o755),
    "srv/app/lib/code": File(),
    "data/x": File(),
    "usr/bin/tool": File(mode=0o755),
    "usr/src/app/x": File(),
    "current": Symlink("srv/app"),
    "run/lock": File(),
}


def gathered(  # every part of a config that counts here
    user: str = "",
    *,
    workdir: str = "",
    env: tuple[str, ...] = (),
    volumes: tuple[str, ...] = (),
    entrypoint: tuple[str, ...] | None = None,
) -> FileFacts:
    config = ImageConfig(
        user, Platform("linux", "amd64"), env=env, entrypoint=entrypoint, working_dir=workdir, volumes=volumes
    )
    return file_facts(stacked(TREE), config, PASSWD)


ALWAYS = {"/", "/tmp", "/var/tmp", "/run", "/etc/passwd", "/etc/group", "/etc/shadow"}  # of the image
HOMES = {"/root", "/usr/bin", "/home/app"}


def test_the_paths_that_are_walked() -> None:
    files = gathered("app", workdir="srv//app/", env=("HOME=/nowhere",), volumes=("/data/../data", "logs"))
    assert set(files.walks) == ALWAYS | HOMES | {"/nowhere", "/srv/app", "/data", "/logs"}


def test_walks_are_found_however_a_path_is_written() -> None:
    files = gathered(workdir="/srv/app")
    assert files.walk("srv/./app/") is files.walks["/srv/app"]
    assert files.walk("/never/asked/for") is None


def test_the_account_that_user_names_comes_first() -> None:
    many = b"".join(b"u%d:x:%d:%d::/h/%d:\n" % (n, n, n, n) for n in range(5_000))
    config = ImageConfig("4999:0", Platform("linux", "amd64"))
    walks = file_facts(stacked(TREE), config, many).walks
    assert "/h/4999" in walks
    assert len(walks) == len(ALWAYS) + 64


TREES = [
    ({"workdir": "/srv/app"}, ["/srv/app"]),
    ({"workdir": "/current"}, ["/srv/app"]),
    ({"workdir": "/usr/src/app"}, ["/usr/src/app"]),
    ({"workdir": "/usr/bin"}, []),
    ({"workdir": "/"}, []),
    ({"workdir": "/missing"}, []),
    ({"workdir": "/etc/passwd"}, []),
    ({"env": ("HOME=/srv/app",)}, ["/srv/app", "/root"]),
    ({"user": "app"}, ["/home/app"]),
    ({"user": "1000"}, ["/home/app"]),
    ({"user": "bin"}, []),
    ({"user": "nobody", "volumes": ("/data", "/run")}, ["/data"]),
    ({"user": "bin", "entrypoint": ("/srv/app/start",)}, ["/srv/app"]),
    ({"user": "bin", "entrypoint": ("tool",)}, []),
    ({"user": "bin", "workdir": "/srv/app/lib", "entrypoint": ("../start",)}, ["/srv/app/lib", "/srv/app"]),
]


@pytest.mark.parametrize(("config", "paths"), TREES)
def test_the_trees_that_are_counted(config: dict[str, object], paths: list[str]) -> None:
    trees = gathered(**({"user": "bin"} | config if config.get("workdir") else config)).trees  # type: ignore[arg-type]  # a table
    assert [tree.path for tree in trees] == paths


def test_a_tree_is_found_by_the_path_that_was_asked_for() -> None:
    files = gathered(workdir="/current")
    assert files.tree("current/") is files.trees[0]
    assert files.tree("/data") is None


def test_all_trees_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES_OF_ALL", 3)
    trees = gathered("bin", workdir="/srv/app", volumes=("/data",)).trees
    assert [(tree.path, tree.complete) for tree in trees] == [("/srv/app", True), ("/data", False)]


def test_hostile_paths_cost_little() -> None:
    far = "/a" * 100_000
    files = gathered(workdir=far, volumes=tuple(f"/v{n}" for n in range(9_000)), env=(f"HOME={far}/..",))
    assert files.walks[far].state is WalkState.MISSING
    assert files.walks[far].resolved == "/a"
    assert len(files.walks) <= len(ALWAYS) + 64 + 256 + 1


@pytest.mark.parametrize(
    ("path", "clean"),
    [("", "/"), ("/", "/"), ("a/b", "/a/b"), ("/a//./b/", "/a/b"), ("/a/../../b", "/b"), ("..", "/")],
)
def test_paths_are_cleaned_as_runtimes_clean_them(path: str, clean: str) -> None:
    assert absolute(path) == clean


def test_no_layers_at_all() -> None:
    config = ImageConfig("app", Platform("linux", "amd64"), entrypoint=("/app",), working_dir="/srv")
    files = file_facts(stacked(), config, None)
    assert {walk.state for walk in files.walks.values()} == {WalkState.FOUND, WalkState.MISSING}
    assert files.entry_point is not None


def test_of_two_accounts_with_one_uid_the_first_one_has_the_home() -> None:
    passwd = b"first:x:7:7::/srv/first:\nsecond:x:7:7::/srv/second:\n"
    tree = {"srv/first/a": File(), "srv/second/b": File()}
    config = ImageConfig("second", Platform("linux", "amd64"))
    files = file_facts(stacked(tree), config, passwd)
    assert [found.path for found in files.trees] == ["/srv/first", "/srv/second"]
