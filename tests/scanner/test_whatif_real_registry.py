"""``whatif`` on an image that skopeo pushed to Debian's docker-registry."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from scanner.__main__ import main
from tests.support.images import Entry, File, Folder, Stored, artifact, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.real_registry import RealRegistry

pytestmark = pytest.mark.realregistry

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n"
# A static program for x86-64: its header, and one segment to load.
ELF = (
    b"\x7fELF\2\1\1".ljust(16, b"\0")
    + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 120, 120, 4096)
)
TREE: dict[str, Entry] = {
    "etc/passwd": File(PASSWD),
    "etc/group": File(b"root:x:0:\napp:x:1001:\n"),
    "bin/sh": File(ELF, mode=0o755),
    "home/app": Folder(mode=0o700, uid=1001, gid=1001),
    "tmp": Folder(mode=0o1777),
    "var/tmp": Folder(mode=0o1777),
    "srv/app": Folder(mode=0o755, uid=1001, gid=1001),
    "srv/app/run": File(b"#!/bin/sh\n", mode=0o755, uid=1001, gid=1001),
    "srv/app/secret": File(b"x", mode=0o640, uid=1001, gid=1001),
    "srv/app/own": File(ELF, mode=0o700, uid=1001, gid=1001),
}
RANGE = "1000650000/10000"


def made(entrypoint: str = "/srv/app/run") -> Stored:
    return image([layer(TREE)], user="app", workdir="/srv/app", entrypoint=[entrypoint], volumes=["/data"])


@pytest.fixture(autouse=True)
def no_docker_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture
def reference(real_registry: RealRegistry, tmp_path: Path) -> str:
    OciLayout(tmp_path / "layout").tag("app", "1", made())
    real_registry.skopeo_copy(f"oci:{tmp_path}/layout:app:1", "what-if/app", "1")
    return f"{real_registry.host}/what-if/app:1"


def what_if(reference: str, *options: str) -> int:
    return main(["whatif", reference, "--plain-http", *options])


STATUS_CASES = [
    ([], 0),
    (["--user", "1001:1001"], 0),
    (["--user", "3000:0"], 1),
    (["--user", "nosuch"], 1),
    (["--run-as-non-root"], 1),
    (["--run-as-user", "1001", "--run-as-non-root", "--drop-caps", "--no-new-privileges"], 0),
    (["--openshift-range", RANGE], 1),
    (["--userns", "100000"], 0),
    (["--userns", "100000/1000"], 1),
]


@pytest.mark.parametrize(("options", "status"), STATUS_CASES)
def test_exit_status(reference: str, options: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert what_if(reference, *options) == status
    assert reference in capsys.readouterr().out


def test_the_answer_in_json(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert what_if(reference, "--user", "3000:0", "--format", "json") == 1
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    (found,) = [image["what_if"] for image in report["images"]]
    assert (report["schema"], report["outcome"], found["outcome"]) == (1, "breaks", "breaks")
    assert found["declared"] == {"uid": 1001, "gid": 1001, "groups": [], "home": "/home/app"}
    assert found["identity"] == {"uid": 3000, "gid": 0, "groups": [], "home": "/"}
    lost = {use["role"]: use["lost"] for use in found["consequences"]["paths"] if use["lost"]}
    assert lost == {"home": ["write"], "workdir": ["write"]}
    counts = {(loss["path"], loss["kind"], loss["lost"]): loss["count"] for loss in found["consequences"]["trees"]}
    assert counts[("/srv/app", "file", "read")] == 2
    assert found["consequences"]["program"]["error"] is None


def test_the_answer_in_text(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert what_if(reference, "--user", "3000:0") == 1
    told = capsys.readouterr().out
    for text in (
        "BREAKS",
        "declared    uid 1001  gid 1001  groups none  home /home/app",
        "this start  uid 3000  gid 0  groups none  home /",
        "write in HOME / (was /home/app): / is mode 0755, owner 0:0",
        "write in WORKDIR /srv/app: /srv/app is mode 0755, owner 1001:1001",
        "/srv/app/secret",
        "OpenShift restricted-v2   refuse",
    ):
        assert text in told


def test_a_command_that_is_not_executed_is_said_in_the_words_of_runc(
    real_registry: RealRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    real_registry.push("what-if/own", "1", made("/srv/app/own"))
    assert what_if(f"{real_registry.host}/what-if/own:1", "--openshift-range", RANGE) == 1
    assert 'Error: exec: "/srv/app/own": permission denied' in capsys.readouterr().out


def test_what_does_not_run_is_unknown(real_registry: RealRegistry, capsys: pytest.CaptureFixture[str]) -> None:
    chart = artifact(("application/vnd.cncf.helm.config.v1+json", b"{}"), [("application/x.chart", b"chart")])
    real_registry.push("what-if/chart", "1", chart)
    assert what_if(f"{real_registry.host}/what-if/chart:1") == 2
    assert what_if(f"{real_registry.host}/what-if/none:1") == 3
    assert "UNKNOWN" in capsys.readouterr().out
