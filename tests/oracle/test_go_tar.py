"""Go's ``archive/tar`` is the oracle: what it reads in an archive we read, and what it refuses we refuse.

``PLIMSOLL_ORACLE_TIMES`` makes the run longer: 10 asks ten times as many.
"""

from __future__ import annotations

import os

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import ImageProblem
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.tar import TarReader
from tests.oracle.generated_archives import archives
from tests.oracle.go_program import ask_go
from tests.support.archives import pieces

COUNT = 2_000 * int(os.environ.get("PLIMSOLL_ORACLE_TIMES", "1"))
SEED = 20_261_121

Asked = list[tuple[bytes, str, str]]

# Building Go's standard library the first time belongs to whichever test comes first.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Archive, what Go says, what we say."""
    made = archives(SEED, COUNT)
    return list(zip(made, ask_go("go_tar", made, tmp_path_factory.mktemp("go")), map(_ours, made), strict=True))


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
