"""Go's ``archive/tar`` is the oracle: what it reads in an archive we read, and what it refuses we refuse."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import ImageProblem
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.tar import TarReader
from tests.oracle.generated_archives import archives
from tests.support.archives import pieces

SOURCE = Path(__file__).parent / "go_tar" / "main.go"
COUNT = 2_000
SEED = 20_261_121

Asked = list[tuple[bytes, str, str]]

# Building Go's standard library the first time belongs to whichever test comes first.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Archive, what Go says, what we say."""
    folder = tmp_path_factory.mktemp("go")
    program = folder / "oracle"
    settings = {"GOCACHE": str(folder / "cache"), "GOPATH": str(folder), "GO111MODULE": "off", "GOFLAGS": ""}
    build = ["go", "build", "-o", str(program), str(SOURCE)]
    subprocess.run(build, check=True, env={**os.environ, **settings}, cwd=folder, timeout=240)
    made = archives(SEED, COUNT)
    framed = b"".join(struct.pack("<I", len(one)) + one for one in made)
    said = subprocess.run([program], input=framed, capture_output=True, check=True, timeout=60).stdout.decode()
    return list(zip(made, said.splitlines(), map(_ours, made), strict=True))


def _ours(archive: bytes) -> str:
    said = ""
    reader = TarReader(ByteStream(pieces(archive, 700)), DEFAULT_LIMITS)
    try:
        for one in reader:
            read = len(reader.read()) if one.type == "0" else 0
            capability = (one.capability or b"").hex()
            numbers = f"{one.mode},{one.uid},{one.gid},{one.size},{read}"
            said += f"{one.name.hex()},{one.type},{numbers},{one.link.hex()},{capability};"
    except ImageProblem:
        return said + "error"
    return said + "end"


def test_the_archives_reach_both_ends(asked: Asked) -> None:
    ends = [go.endswith("end") for _, go, _ in asked]
    assert min(sum(ends), COUNT - sum(ends)) > COUNT // 5


def test_no_archive_on_which_go_and_we_differ(asked: Asked) -> None:
    assert [(archive, go, ours) for archive, go, ours in asked if go != ours] == []
