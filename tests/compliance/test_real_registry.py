"""The whole way on the real thing: docker-registry, skopeo, umoci, and our own commands as the contract has them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from compliance.models import Tag
from tests.support.demo.articles import article_images
from tests.support.images import File, image, index, layer, sha256
from tests.support.oci_layout import OciLayout
from tests.support.real_registry import RealRegistry, running_registry

pytestmark = [pytest.mark.realregistry, pytest.mark.django_db(transaction=True)]

PASSWD = "root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/app:/bin/sh\n"
ACCOUNTS = layer({"etc/passwd": File(PASSWD.encode())})
NUMBER = image([ACCOUNTS], user="1001:1001")
NAMED = image([ACCOUNTS], user="app")
ROOT_ON_ARM = image([ACCOUNTS], user="0", platform="linux/arm64")
REMAPPED = article_images()["articles/best-practices:remapped"]

# tag: its verdict under the kubernetes policy, and who its images run as
TAGS = {
    "own/number:1": ("pass", ["1001:1001"]),
    "own/both:1": ("fail", ["1001:1001", "0:0"]),
    "skopeo/named:1": ("fail", ["1001:1001"]),
    "skopeo/number:1": ("pass", ["1001:1001"]),
    "skopeo/number:2": ("pass", ["1001:1001"]),
    "skopeo/remapped:1": ("fail", ["0:0"]),
    "umoci/image:1": ("pass", ["1001:1001"]),
    "umoci/image:root": ("fail", ["0:0"]),
}
REPOSITORIES = len({name.partition(":")[0] for name in TAGS})
LISTING = 1 + REPOSITORIES
LISTING_BYTES = 4_096


@pytest.fixture(params=[False, True], ids=["open", "htpasswd"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealRegistry]:
    """One of its own, because everything in it is counted."""
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry", with_password=request.param) as running:
        running.push("own/number", "1", NUMBER)
        running.push("own/both", "1", index([NUMBER, ROOT_ON_ARM]))
        push_with_skopeo(running, tmp_path / "layout")
        push_with_umoci(running, tmp_path)
        yield running


def push_with_skopeo(registry: RealRegistry, folder: Path) -> None:
    layout = OciLayout(folder)
    for name, stored in (("named", NAMED), ("number", NUMBER), ("remapped", REMAPPED)):
        layout.tag(name, "1", stored)
        registry.skopeo_copy(f"oci:{folder}:{name}:1", f"skopeo/{name}", "1")
    registry.skopeo_copy(f"oci:{folder}:number:1", "skopeo/number", "2")


def push_with_umoci(registry: RealRegistry, folder: Path) -> None:
    """Nothing in these images is of our making but the text of one file."""
    (folder / "passwd").write_text(PASSWD)
    umoci("init", "--layout", f"{folder}/umoci")
    for tag, user in (("1", "1001:1001"), ("root", "root")):
        umoci("new", "--image", f"{folder}/umoci:{tag}")
        umoci("insert", "--rootless", "--image", f"{folder}/umoci:{tag}", f"{folder}/passwd", "/etc/passwd")
        umoci("config", "--config.user", user, "--image", f"{folder}/umoci:{tag}")
        registry.skopeo_copy(f"oci:{folder}/umoci:{tag}", "umoci/image", tag)


def umoci(*arguments: str) -> None:
    subprocess.run(["umoci", *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def added(registry: RealRegistry, monkeypatch: pytest.MonkeyPatch) -> RealRegistry:
    """Added with the arguments of the contract and no others; no worker runs."""
    monkeypatch.setattr("compliance.tasks.wake._send", lambda *_: None)
    monkeypatch.setattr(settings, "SCAN_WORKERS", 1)  # two processes learn what the registry demands twice
    arguments = ["real", registry.url]
    if registry.username and registry.password:
        monkeypatch.setenv("REAL_PASSWORD", registry.password)
        arguments += ["--username", registry.username, "--password-env", "REAL_PASSWORD"]
    call_command("add_registry", *arguments)
    return registry


def scan(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    call_command("scan", "real", "--wait", "--json")
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def judged() -> dict[str, tuple[str, list[str]]]:
    """Every tag: its verdict, and what each of its images runs as."""
    tags = Tag.objects.select_related("repository")
    return {f"{tag.repository.name}:{tag.name}": (tag.verdict, runs_as(tag)) for tag in tags}


def runs_as(tag: Tag) -> list[str]:
    return [str(part["runs_as"]) for part in tag.platforms]


def unique(registry: RealRegistry) -> dict[str, int]:
    """Everything the tags lead to, each digest once, with its size; asked by the test itself."""
    seen: dict[str, int] = {}
    for name in TAGS:
        repository, _, tag = name.partition(":")
        collect(registry, repository, tag, seen)
    return seen


def collect(registry: RealRegistry, repository: str, reference: str, seen: dict[str, int]) -> None:
    accept = {"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"}
    body = registry.request("GET", f"/v2/{repository}/manifests/{reference}", headers=accept)
    seen[sha256(body)] = len(body)
    document = json.loads(body)
    for child in document.get("manifests", []):
        collect(registry, repository, child["digest"], seen)
    for part in [document["config"], *document["layers"]] if "layers" in document else []:
        seen[part["digest"]] = part["size"]


def test_verdicts_counts_and_what_a_second_scan_costs(added: RealRegistry, capsys: pytest.CaptureFixture[str]) -> None:
    content = unique(added)
    # A password is shown only where it was demanded, which a process remembers of an origin.
    demands = 1 if added.username else 0
    first = scan(capsys)
    assert judged() == TAGS
    counted = ("repositories", "tags", "passed", "failed", "unknown", "not_applicable", "images_new")
    assert [first[name] for name in counted] == [REPOSITORIES, len(TAGS), 4, 4, 0, 0, 6]
    assert first["requests"] == len(content) + len(TAGS) + LISTING + demands

    second = scan(capsys)
    assert second["requests"] == len(TAGS) + LISTING
    assert (second["known"], second["images_new"], second["layers_indexed"]) == (len(TAGS), 0, 0)
    # What a second scan reads is the listing; the first read that, and each unique byte once.
    assert second["bytes"] < LISTING_BYTES
    refusal = first["bytes"] - sum(content.values()) - second["bytes"]
    assert (0 < refusal < 1_000) if demands else refusal == 0
    assert judged() == TAGS


def test_a_password_that_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("compliance.tasks.wake._send", lambda *_: None)
    with running_registry(tmp_path, with_password=True) as guarded:
        call_command("add_registry", "real", guarded.url)
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            call_command("scan", "real", "--wait")
    assert left.value.code == 1
    assert "Enter a user name and password" in capsys.readouterr().out
