"""Images on the workers' own machine as a registry: only what the operator allows, and the same verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compliance.models import Registry, Scan, State, Tag
from compliance.policy.registry_values import RegistryValues
from compliance.services.check_registry import check_registry
from compliance.services.open_source import open_source
from compliance.services.run_scan_inline import run_scan_inline
from scanner.domain.problems import Refused
from scanner.sources.registry.steps import StepState
from tests.support import rows
from tests.support.demo.articles import article_images
from tests.support.engine import Engine
from tests.support.images import docker_archive
from tests.support.oci_layout import OciLayout

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("articles/redis:root", "articles/best-practices:numeric", "articles/best-practices:remapped")
VERDICTS = {"articles/redis:root": "fail", NAMES[1]: "pass", NAMES[2]: "fail"}


@pytest.fixture
def allowed(tmp_path: Path, settings: Any) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    settings.LOCAL_SOURCES = [str(folder)]
    images = article_images()
    for name in NAMES:
        repository, _, tag = name.partition(":")
        OciLayout(folder / "layout").tag(repository, tag, images[name])
    (folder / "saved.tar").write_bytes(docker_archive({name: images[name] for name in NAMES}))
    (folder / "out").symlink_to("/etc")
    (folder / "loop").symlink_to("loop")
    return folder


def verdicts(registry: Registry) -> dict[str, str]:
    done = run_scan_inline(registry, clock=lambda: rows.NOW, trigger=Scan.Trigger.COMMAND)
    assert done.state == State.DONE, done.problem_message
    tags = Tag.objects.filter(repository__registry=registry).select_related("repository")
    return {f"{tag.repository.name}:{tag.name}": tag.verdict for tag in tags}


@pytest.mark.parametrize("url", ["oci:{}/layout", "docker-archive:{}/saved.tar"])
def test_scanned_like_a_registry(allowed: Path, url: str) -> None:
    registry = rows.registry(url=url.format(allowed))
    assert verdicts(registry) == VERDICTS
    again = run_scan_inline(registry, clock=lambda: rows.NOW, trigger=Scan.Trigger.COMMAND)
    assert (again.state, again.images_new) == (State.DONE, 0)


def test_an_engine_scanned_like_a_registry(engine: Engine, allowed: Path, settings: Any, monkeypatch: Any) -> None:
    engine.docker("load", "--input", str(allowed / "saved.tar"))
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    settings.DOCKER_SOURCE = True
    found = verdicts(rows.registry(url="docker-daemon:"))
    assert found.items() >= VERDICTS.items()


@pytest.mark.parametrize(
    "url",
    [
        "docker-daemon:",
        "oci:/etc",
        "oci:{}/out",
        "oci:{}/loop",
        "oci:{}/../elsewhere",
        "oci:{}-beside",
        "docker-archive:/etc/passwd",
        "docker-archive:{}\0",
    ],
)
def test_what_the_operator_did_not_allow(allowed: Path, url: str) -> None:
    with pytest.raises(Refused) as caught, open_source(Registry(url=url.format(allowed))):
        pass
    assert caught.value.code == "source-forbidden"
    assert "PLIMSOLL_LOCAL_SOURCES" in caught.value.remedy


def test_nothing_is_allowed_by_default(allowed: Path, settings: Any) -> None:
    settings.LOCAL_SOURCES = []
    with pytest.raises(Refused) as caught:
        open_source(Registry(url=f"oci:{allowed}/layout"))
    assert caught.value.code == "source-forbidden"


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://harbor.example:8443", "harbor.example:8443/"),
        ("docker-daemon:", "docker-daemon:"),
        ("oci:/srv/layout", "oci:/srv/layout:"),
        ("docker-archive:/srv/x.tar", "docker-archive:/srv/x.tar:"),
    ],
)
def test_what_stands_before_a_name(url: str, prefix: str) -> None:
    assert Registry(url=url).reference_prefix == prefix


@pytest.mark.parametrize(
    ("url", "state", "said"),
    [
        ("oci:{}/layout", StepState.OK, "2 repositories"),
        ("docker-archive:{}/saved.tar", StepState.OK, "2 repositories"),
        ("docker-archive:{}/nothing.tar", StepState.FAILED, "No such file"),
        ("oci:/etc", StepState.FAILED, "does not let"),
        ("docker-daemon:", StepState.FAILED, "does not let"),
    ],
)
def test_the_connection_test_is_one_rung(allowed: Path, url: str, state: StepState, said: str) -> None:
    policy = rows.policy_version().policy.name
    (step,) = check_registry(RegistryValues(name="Here", url=url.format(allowed), policy=policy))
    assert step.state is state
    assert said in step.detail
    assert bool(step.hint) is (state is StepState.FAILED)
