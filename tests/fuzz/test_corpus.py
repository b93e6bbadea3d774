"""Every input that is kept, and inputs near them; with ``PLIMSOLL_FUZZ_SECONDS`` atheris looks for others as well.

``PLIMSOLL_FUZZ_MUTATIONS`` says how many of the near ones, which need no atheris.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fuzz.mutations import mutations
from tests.fuzz.seeds import from_line, kept_seeds, to_line
from tests.fuzz.targets import TARGETS, seeds

COUNT = int(os.environ.get("PLIMSOLL_FUZZ_MUTATIONS", "300"))
SECONDS = int(os.environ.get("PLIMSOLL_FUZZ_SECONDS", "0"))
SEED = 20_261_122


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_of_the_corpus(name: str) -> None:
    found = seeds(name)
    assert len(found) > 2
    for data in found:
        TARGETS[name].try_one(data)


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_near_those_of_the_corpus(name: str) -> None:
    for data in mutations(seeds(name), SEED, COUNT):
        try:
            TARGETS[name].try_one(data)
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error}\nfor corpus/{name}/seeds.txt:\n{to_line(data)}")


@pytest.mark.parametrize("data", [b"", b"plain", b"'\"\\\n\r\0\xff", b"'", b'"', bytes(range(256))])
def test_a_line_of_the_corpus_is_its_input(data: bytes) -> None:
    assert from_line(to_line(data)) == data
    assert "\n" not in to_line(data)


def test_a_line_that_is_no_input_is_refused() -> None:
    with pytest.raises(ValueError, match="not an input"):
        from_line("' + b'")


def test_mutations_are_the_same_for_the_same_seed() -> None:
    assert list(mutations([b"abc", b"defg"], 1, 50)) == list(mutations([b"abc", b"defg"], 1, 50))


def test_a_target_without_a_file_has_no_kept_inputs() -> None:
    assert kept_seeds("no-such-target") == []


if SECONDS:

    @pytest.mark.timeout(SECONDS + 120)
    @pytest.mark.parametrize("name", TARGETS)
    def test_what_atheris_comes_upon(name: str) -> None:
        command = [sys.executable, "-m", "tests.fuzz", name, f"-max_total_time={SECONDS}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4_000:]
