from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scanner.__main__ import main
from tests.support.demo.articles import article_images
from tests.support.images import (
    OCI_CONFIG,
    File,
    Folder,
    Layer,
    Stored,
    artifact,
    image,
    image_from_config,
    index,
    layer,
)
from tests.support.real_registry import PASSWORD, USERNAME, RealRegistry

ROOT = "root:x:0:0:root:/root:/bin/sh\n"
ACCOUNTS = layer({"etc/passwd": File(f"{ROOT}app:x:1001:1001::/app:/bin/sh\n".encode())})
HOME = layer({"srv/app": Folder(0o775)})
GOOD = image([ACCOUNTS, HOME], user="10001:10001", env=["HOME=/srv/app"], workdir="/srv/app")
NAMED = image([ACCOUNTS], user="app")
ROOTED = image([ACCOUNTS], user="0", platform="linux/arm64")
BROKEN = image([Layer(b"not a tar" * 100, b"not gzip", "application/vnd.oci.image.layer.v1.tar+gzip")], user="10001")
CHART = artifact(
    ("application/vnd.cncf.helm.config.v1+json", b"{}"),
    [("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"chart")],
)


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def no_docker_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def runner(*arguments: str) -> Ran:
        try:
            status = main(arguments)
        except SystemExit as left:
            status = int(str(left.code))
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return runner


@pytest.fixture
def pushed(real_registry: RealRegistry, request: pytest.FixtureRequest) -> Any:
    def push(stored: Stored) -> str:
        name = request.node.name.partition("[")[0].replace("_", "-").lower()
        real_registry.push(f"cli/{name}", "1", stored)
        return f"{real_registry.host}/cli/{name}:1"

    return push


@pytest.mark.realregistry
@pytest.mark.parametrize(
    ("stored", "options", "status", "verdict"),
    [
        (GOOD, [], 0, "pass"),
        (GOOD, ["--policy", "strict"], 0, "pass"),
        (NAMED, [], 1, "fail"),
        (NAMED, ["--policy", "baseline"], 0, "pass"),
        (index([GOOD, ROOTED]), [], 1, "fail"),
        (index([GOOD, ROOTED]), ["--platform", "linux/amd64"], 0, "pass"),
        (index([GOOD, ROOTED]), ["--platform", "linux/arm64"], 1, "fail"),
        (index([GOOD, ROOTED]), ["--platform", "linux/s390x"], 3, "unknown"),
        (BROKEN, [], 2, "unknown"),
        (index([GOOD, BROKEN]), [], 2, "unknown"),
        (index([ROOTED, BROKEN]), [], 1, "fail"),
        (image_from_config(b'{"config": {"User": 1000}}'), [], 2, "unknown"),
        (CHART, [], 0, "not_applicable"),
        (index([]), [], 0, "not_applicable"),
    ],
)
def test_exit_status(run: Any, pushed: Any, stored: Stored, options: list[str], status: int, verdict: str) -> None:
    ran = run("inspect", pushed(stored), "--plain-http", "--format", "json", *options)
    assert (ran.status, ran.json()["verdict"]) == (status, verdict)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["inspect"],
        ["inspect", "redis"],
        ["inspect", "registry.example/UPPER:1"],
        ["inspect", "docker-daemon:"],
        ["inspect", "docker-daemon:UPPER"],
        ["inspect", "docker-daemon:sha256:12"],
        ["inspect", "oci:"],
        ["inspect", "docker-archive::app:1"],
        ["inspect", "registry.example/app:1", "--policy", "lenient"],
        ["inspect", "registry.example/app:1", "--format", "xml"],
        ["inspect", "registry.example/app:1", "--pol", "strict"],
        ["inspect", "registry.example/app:1", "--username", "u"],
        ["inspect", "registry.example/app:1", "--username", "u", "--password-env", "PLIMSOLL_NO_SUCH_VARIABLE"],
        ["identity"],
        ["identity", "--jsonl", "--runtime", "rkt"],
        ["rules", "--format", "sarif"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_4(run: Any, arguments: Sequence[str]) -> None:
    ran = run(*arguments)
    assert (ran.status, ran.out) == (4, "")
    assert ran.err


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("oci:./no-such-folder:1", "source-missing"),
        ("oci:5000/app:1", "source-missing"),
        ("docker-archive:/no/such/saved.tar", "source-missing"),
        ("docker-archive:/no/such/saved.tar:app:1", "source-missing"),
        ("docker-archive:/etc/passwd", "source-invalid"),
        ("docker-archive:/dev/null", "source-invalid"),
        ("oci:/etc", "source-invalid"),
        ("docker-daemon:app:1", "engine-unreachable"),
    ],
)
def test_a_source_on_this_machine_that_cannot_be_read(
    run: Any, reference: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    ran = run("inspect", reference, "--format", "json")
    assert ran.status == 3
    report = ran.json()
    assert (report["reference"], report["verdict"], report["images"]) == (reference, "unknown", [])
    assert report["error"]["code"] == code


@pytest.mark.realregistry
@pytest.mark.parametrize("name", ["nosuch/repository:1", "nosuch@sha256:" + "0" * 64])
def test_what_is_not_there_could_not_be_inspected(run: Any, real_registry: RealRegistry, name: str) -> None:
    ran = run("inspect", f"{real_registry.host}/{name}", "--plain-http", "--format", "json")
    assert ran.status == 3
    assert ran.json()["error"]["message"]


@pytest.mark.parametrize("host", ["127.0.0.1:1", "169.254.169.254", "[fd00:ec2::254]"])
def test_nobody_there_or_never_allowed(run: Any, host: str) -> None:
    ran = run("inspect", f"{host}/app:1", "--plain-http", "--format", "json")
    assert ran.status == 3
    assert (ran.json()["verdict"], ran.json()["images"]) == ("unknown", [])


@pytest.mark.realregistry
def test_private_addresses_can_be_refused(run: Any, pushed: Any) -> None:
    assert run("inspect", pushed(GOOD), "--plain-http", "--public-only").status == 3


@pytest.mark.realregistry
def test_logs_in_with_a_password_from_the_environment(
    run: Any, real_registry_with_password: RealRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = real_registry_with_password
    registry.push("cli/secret", "1", GOOD)
    monkeypatch.setenv("CLI_PASSWORD", PASSWORD)
    inspect = ["inspect", f"{registry.host}/cli/secret:1", "--plain-http"]
    assert run(*inspect, "--username", USERNAME, "--password-env", "CLI_PASSWORD").status == 0
    refused = run(*inspect)
    assert refused.status == 3
    assert PASSWORD not in refused.out + refused.err


@pytest.mark.realregistry
def test_the_remapped_image_shows_both_lines_and_both_layers(run: Any, pushed: Any) -> None:
    stored = article_images()["articles/best-practices:remapped"]
    ran = run("inspect", pushed(stored), "--plain-http")
    assert ran.status == 1
    assert "runs as root, uid 0 gid 0, from USER app" in ran.out
    assert "- app:x:1001:1001::/app:/bin/bash" in ran.out
    assert "+ app:x:0:0::/app:/bin/bash" in ran.out
    assert f"layer 3 {stored.layers[2].digest}" in ran.out
    assert f"layer 4 {stored.layers[3].digest}" in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.realregistry
def test_sarif(run: Any, pushed: Any) -> None:
    ran = run("inspect", pushed(NAMED), "--plain-http", "--format", "sarif")
    assert ran.status == 1
    assert [result["ruleId"] for result in ran.json()["runs"][0]["results"]][:1] == ["NR105"]


@pytest.mark.realregistry
def test_as_a_program_with_its_output_piped(real_registry: RealRegistry) -> None:
    real_registry.push("cli/program", "1", NAMED)
    command = [sys.executable, "-m", "scanner", "inspect", f"{real_registry.host}/cli/program:1", "--plain-http"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (1, "")
    assert "NR105 user-not-numeric" in done.stdout


def test_identity_lines(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"user": "app", "passwd": "app:x:1001:1001::/app:/bin/sh\n", "group": None}, {"user": "nosuch"}]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(json.dumps(line) for line in lines)))
    ran = run("identity", "--jsonl")
    first, second = (json.loads(line) for line in ran.out.splitlines())
    assert first == {"uid": 1001, "gid": 1001, "groups": [], "home": "/app"}
    assert second == {"error": "unable to find user nosuch: no matching entries in passwd file"}


def test_a_bad_identity_line_is_wrong_usage(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("[]\n"))
    ran = run("identity", "--jsonl")
    assert ran.status == 4
    assert "line 1" in ran.err


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_rules(run: Any, form: str) -> None:
    ran = run("rules", "--format", form)
    assert ran.status == 0
    assert "root-in-disguise" in ran.out


def test_a_config_type_that_is_no_image_is_not_guessed_at(run: Any, pushed: Any) -> None:
    odd = artifact((OCI_CONFIG + ".odd", b"{}"), [])
    assert run("inspect", pushed(odd), "--plain-http", "--format", "json").json()["verdict"] == "not_applicable"
