"""``whatif --manifest`` against the demo registry and Debian's own."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scanner.__main__ import main
from scanner.command_line import InspectOptions
from scanner.deployments_command import facts_of
from scanner.domain.facts import ImageFacts
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import RepositoryName, TagName, parse_reference
from scanner.policies import DEFAULT_POLICY, policy_named
from tests.support.demo_registry import DemoRegistry
from tests.support.images import File, Stored, artifact, image, index, layer
from tests.support.oci_layout import OciLayout

ACCOUNTS = layer({"etc/passwd": File(b"root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/app:/bin/sh\n")})
NUMERIC = image([ACCOUNTS], user="1001:1001")
NAMED = image([ACCOUNTS], user="app")
ARM = index([image([ACCOUNTS], user="1001", platform="linux/arm64")])
CHART = artifact(("application/vnd.cncf.helm.config.v1+json", b"{}"), [("application/vnd.example+json", b"1")])
GOOD = "{runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}"


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        return json.loads(self.out)


class Bench:
    """A registry, and the command with a file."""

    def __init__(self, registry: DemoRegistry, layout: OciLayout, folder: Path, read: Callable[[], tuple[str, str]]):
        self.registry, self.layout, self.folder, self._read = registry, layout, folder, read
        registry.auth = "none"
        self.host = registry.url.removeprefix("http://")

    def push(self, name: str, stored: Stored, tag: str = "1") -> str:
        self.layout.tag(RepositoryName(name), TagName(tag), stored)
        return f"{self.host}/{name}:{tag}"

    def run(self, text: str | bytes, *arguments: str) -> Ran:
        path = self.folder / "deployment.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.command("--manifest", str(path), "--plain-http", *arguments)

    def command(self, *arguments: str) -> Ran:
        try:
            status = main(["whatif", *arguments])
        except SystemExit as left:
            status = int(str(left.code))
        return Ran(status, *self._read())


@pytest.fixture
def bench(
    demo_registry: DemoRegistry,
    demo_layout: OciLayout,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def read() -> tuple[str, str]:
        captured = capsys.readouterr()
        return captured.out, captured.err

    return Bench(demo_registry, demo_layout, tmp_path, read)


def pod(*images: str, context: str = GOOD) -> str:
    containers = ", ".join(
        f"{{name: c{at}, image: '{name}', securityContext: {context}}}" for at, name in enumerate(images)
    )
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: shop}}\nspec: {{containers: [{containers}]}}\n"


def test_a_fine_pod_ends_with_0(bench: Bench) -> None:
    ran = bench.run(pod(bench.push("team/shop", NUMERIC)), "--format", "json")
    assert (ran.status, ran.report["verdict"], ran.report["images"]) == (0, "pass", {"named": 1, "inspected": 1})
    assert ran.report["workloads"][0]["containers"][0]["identity"]["uid"] == 1001


def test_a_contradiction_ends_with_1_in_kubelets_words(bench: Bench) -> None:
    ran = bench.run(pod(bench.push("team/shop", NAMED)))
    assert ran.status == 1
    assert "image has non-numeric user (app), cannot verify user is non-root" in ran.out


def test_an_image_that_is_not_there_does_not_stop_the_others(bench: Bench) -> None:
    ran = bench.run(pod(f"{bench.host}/no/such:1", bench.push("team/shop", NUMERIC)), "--format", "json")
    missing, found = ran.report["workloads"][0]["containers"]
    assert ran.status == 2
    assert missing["identity"] is None
    assert "could not be inspected" in missing["unknown"][0]
    assert found["identity"]["uid"] == 1001


def test_nothing_inspected_ends_with_3(bench: Bench) -> None:
    assert bench.run(pod(f"{bench.host}/no/such:1")).status == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: 1\na: 2", "yaml-duplicate-key"),
        (b"\xff\xff", "not-text"),
        (b"replicas: 1", "not-a-deployment"),
        (b"kind: {{ .Values.kind }}", "helm template"),
        (b"#" * 2_000_000, "PLIMSOLL_DEPLOYMENT_BYTES"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_4(bench: Bench, text: bytes, said: str) -> None:
    ran = bench.run(text)
    assert ran.status == 4
    assert said in ran.out
    assert bench.run(text, "--format", "json").report["error"]["remedy"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--manifest", "/no/such/file"], "No such file"),
        (["--manifest", "/"], "Is a directory"),
        (["--manifest", "-", "registry.example/a:1"], "not both"),
        (["--manifest", "-", "--user", "7"], "the file's own"),
        (["--manifest", "-", "--username", "u", "--password-env", "P"], "docker login"),
        ([], "give a REFERENCE or --manifest FILE"),
    ],
)
def test_wrong_usage_ends_with_4(bench: Bench, arguments: list[str], said: str) -> None:
    ran = bench.command(*arguments)
    assert (ran.status, ran.out) == (4, "")
    assert said in ran.err


def test_standard_input_is_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"kind: ConfigMap\n")))
    ran = bench.command("--manifest", "-")
    assert (ran.status, ran.out) == (
        0,
        "NOT APPLICABLE  0 containers, 0 of 0 images inspected\n\nStarts nothing: 1 ConfigMap\n",
    )


def options(platform: str | None = None) -> InspectOptions:
    return InspectOptions(policy_named(DEFAULT_POLICY), platform=platform, plain_http=True)


def test_another_platform_is_taken_where_the_usual_one_is_missing(bench: Bench) -> None:
    reference = parse_reference(bench.push("team/arm", ARM))
    found = facts_of(reference, options())
    assert isinstance(found, ImageFacts)
    assert str(found.config.platform) == "linux/arm64"
    refused = facts_of(reference, options("linux/s390x"))
    assert isinstance(refused, ScanProblem)
    assert refused.code == "platform-not-found"


def test_what_is_no_image_says_so(bench: Bench) -> None:
    found = facts_of(parse_reference(bench.push("team/chart", CHART)), options())
    assert isinstance(found, ScanProblem)
    assert found.code == "not-an-image"
