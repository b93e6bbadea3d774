"""Files below a folder: links may lead about inside of it, and never out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scanner.domain.problems import LimitExceeded, ScanProblem
from scanner.sources.local_files import Folder, read_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "layout"
    (inside / "blobs").mkdir(parents=True)
    (inside / "blobs" / "a").write_bytes(b"content")
    (tmp_path / "secret").write_bytes(b"secret")
    (inside / "link").symlink_to("blobs/a")
    (inside / "linked-folder").symlink_to("blobs")
    (inside / "out").symlink_to("../secret")
    (inside / "out-absolute").symlink_to(tmp_path / "secret")
    (inside / "out-folder").symlink_to("..")
    (inside / "loop").symlink_to("loop")
    os.mkfifo(inside / "pipe")
    return inside


@pytest.mark.parametrize("name", ["blobs/a", "link", "linked-folder/a", "blobs/../blobs/a"])
def test_inside(folder: Path, name: str) -> None:
    files = Folder(folder)
    assert read_file(files, name, 100, "manifest_bytes") == b"content"
    files.close()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("out", "source-forbidden"),
        ("out-absolute", "source-forbidden"),
        ("out-folder/secret", "source-forbidden"),
        ("../secret", "source-forbidden"),
        ("/etc/passwd", "source-forbidden"),
        ("loop", "source-invalid"),
        ("pipe", "source-invalid"),
        ("blobs", "source-invalid"),
        ("blobs\0", "source-invalid"),
    ],
)
def test_outside_and_odd(folder: Path, name: str, code: str) -> None:
    files = Folder(folder)
    for ask in (files.size, lambda name: files.chunks(name).__enter__()):
        with pytest.raises(ScanProblem) as caught:
            ask(name)
        assert caught.value.code == code
    files.close()


@pytest.mark.parametrize("name", ["nothing", "blobs/a/below", "nothing/below"])
def test_not_there(folder: Path, name: str) -> None:
    files = Folder(folder)
    assert files.size(name) is None
    with pytest.raises(ScanProblem) as caught, files.chunks(name):
        pass
    assert caught.value.code == "source-missing"
    files.close()


def test_a_link_that_is_put_there_in_between_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Folder(folder)
    (folder / "late").symlink_to("../secret")
    monkeypatch.setattr(Path, "resolve", lambda path: folder / "late")
    with pytest.raises(ScanProblem) as caught, files.chunks("late"):
        pass
    assert caught.value.code == "source-unreadable"
    files.close()


def test_a_large_file_is_not_read(folder: Path) -> None:
    files = Folder(folder)
    with pytest.raises(LimitExceeded):
        read_file(files, "blobs/a", 6, "manifest_bytes")
    files.close()


@pytest.mark.parametrize("path", ["no/such", "secret"])
def test_a_folder_that_is_none(folder: Path, path: str) -> None:
    with pytest.raises(ScanProblem) as caught:
        Folder(folder.parent / path)
    assert caught.value.code == "source-missing"
