"""The one rung of a source on this machine."""

from __future__ import annotations

from pathlib import Path

from scanner.sources.local import check
from scanner.sources.local_names import Kind
from scanner.sources.registry.diagnosis import StepState
from tests.support.images import docker_archive, image
from tests.support.oci_layout import OciLayout

APP = image([], user="1001")


def test_a_layout_says_what_is_in_it(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path)
    layout.tag("team/shop", "1", APP)
    layout.tag("other", "1", APP)
    step = check(Kind.LAYOUT, str(tmp_path))
    assert (step.state, step.detail) == (StepState.OK, "2 repositories: other, team/shop")


def test_an_archive_says_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(docker_archive({"app:1": APP}))
    assert check(Kind.ARCHIVE, str(tmp_path / "x.tar")).detail == "1 repositories: app"


def test_what_is_missing_says_what_to_do(tmp_path: Path) -> None:
    step = check(Kind.LAYOUT, str(tmp_path / "nothing"))
    assert (step.state, step.code) == (StepState.FAILED, "source-missing")
    assert "Check the path" in step.hint
