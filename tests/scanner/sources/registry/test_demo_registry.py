"""The demo registry as a process of its own, whose layout changes while it runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scanner.domain.problems import Refused
from scanner.domain.reference import parse_repository, parse_tag
from scanner.sources.registry.credentials import Credential
from tests.support.images import image
from tests.support.oci_layout import OciLayout
from tests.support.sources import local_source

SHOP = parse_repository("team/shop")


@contextmanager
def serving(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.support.demo_registry", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(60) == 0


def test_pushes_are_seen_while_it_runs(demo_layout: OciLayout) -> None:
    login = Credential("demo", "secret")
    demo_layout.tag(SHOP, "1", image())
    options = ("--layout", str(demo_layout.folder), "--username", "demo", "--password", "secret")
    with serving(*options) as url, local_source(url, login) as source:
        before = source.resolve(SHOP, parse_tag("1")).digest
        moved = image(user="app")
        demo_layout.tag(SHOP, "1", moved)
        demo_layout.tag("team/new", "1", moved)
        assert source.resolve(SHOP, parse_tag("1")).digest == moved.digest != before
        assert list(source.repositories()) == ["team/new", "team/shop"]
        demo_layout.delete_repository("team/new")
        assert list(source.repositories()) == ["team/shop"]


def test_it_wants_its_password(demo_layout: OciLayout) -> None:
    options = ("--layout", str(demo_layout.folder), "--username", "demo", "--password", "secret")
    with serving(*options) as url, local_source(url) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code == "auth-failed"


def test_a_folder_that_is_no_layout_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.demo_registry", "--layout", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "index.json" in done.stderr
