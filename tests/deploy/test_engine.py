"""The engine the other tests trust as their oracle."""

from pathlib import Path

import pytest

from tests.support import debian
from tests.support.engine import Engine, running_engine


def test_a_container_runs_as_the_engine_says(engine: Engine) -> None:
    assert engine.run("debian:bookworm", "id", "-u", options=["--user", "123456:0"]) == "123456\n"


def test_a_build_needs_no_network(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:bookworm\nRUN useradd --uid 1001 app\nUSER app\n")
    engine.build(tmp_path, "engine-test:app")
    assert engine.run("engine-test:app", "id", "-u") == "1001\n"


def test_a_failing_command_speaks_in_the_engines_words(engine: Engine) -> None:
    with pytest.raises(AssertionError, match="no matching entries in passwd file"):
        engine.run("debian:bookworm", "id", options=["--user", "nobody-here"])


def test_a_second_engine_runs_beside_the_first_and_leaves_nothing(engine: Engine) -> None:
    with running_engine() as second:
        assert second.docker("images", "--quiet").stdout == ""
    assert not second.folder.exists()
    assert str(second.folder) not in Path("/proc/self/mounts").read_text()


ONE_LINE = "deb [signed-by=/k.gpg] https://archive.test/debian bookworm main\n"
PARAGRAPHS = """\
Types: deb
URIs: https://security.test/debian-security
Suites: bookworm-security

Types: deb
URIs: https://archive.test/debian
Suites: bookworm bookworm-updates
"""


@pytest.mark.parametrize("text", [ONE_LINE, PARAGRAPHS])
def test_packages_come_from_where_apt_gets_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(text)
    assert debian.archive_address("bookworm", tmp_path) == "https://archive.test/debian"


def test_an_unknown_release_is_named(tmp_path: Path) -> None:
    with pytest.raises(debian.DebianUnavailable, match="trixie"):
        debian.archive_address("trixie", tmp_path)
