"""Go's ``encoding/json`` is the oracle: the user it reads in an image config we read, and what it refuses we refuse.

``PLIMSOLL_ORACLE_TIMES`` makes the run longer: 10 asks ten times as many.
"""

from __future__ import annotations

import json
import os

import pytest

from scanner.domain.image_config import parse_image_config
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import ImageProblem
from scanner.domain.user_spec import go_text
from tests.oracle.generated_configs import configs
from tests.oracle.go_program import ask_go

COUNT = 2_000 * int(os.environ.get("PLIMSOLL_ORACLE_TIMES", "1"))
SEED = 20_261_122

Asked = list[tuple[bytes, str, str, str]]

# Building Go's standard library the first time belongs to whichever test comes first.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Config, what Go says with Docker's types, with those of the OCI image-spec, what we say."""
    made = configs(SEED, COUNT)
    said = ask_go("go_config", made, tmp_path_factory.mktemp("go"))
    return [(body, *line.split(" "), _ours(body)) for body, line in zip(made, said, strict=True)]  # type: ignore[misc]  # two words each


def _ours(body: bytes) -> str:
    try:
        config, _ = parse_image_config(body, DEFAULT_LIMITS)
    except ImageProblem:
        return "error"
    lists = (config.entrypoint, config.cmd, config.env)
    return ",".join((_hex(config.user), _hex(config.working_dir), *map(_list, lists)))


def _hex(text: str) -> str:
    return go_text(text).encode().hex()


def _list(words: tuple[str, ...] | None) -> str:
    return "".join(f"{_hex(word)};" for word in words or ())


def _ambiguous(body: bytes) -> bool:
    return bool(parse_image_config(body, DEFAULT_LIMITS)[1])


def test_the_configs_reach_both_ends(asked: Asked) -> None:
    refused = sum(docker == "error" for _, docker, _, _ in asked)
    assert COUNT // 10 < refused < COUNT * 9 // 10


def test_no_config_on_which_go_and_we_differ(asked: Asked) -> None:
    """But for those both of whose types lose something, which must be reported: then the image cannot pass."""
    differ = [case for case in asked if case[3] not in case[1:3]]
    assert len(differ) <= COUNT // 1_000
    assert [case for case in differ if case[3] == "error" or not _ambiguous(case[0])] == []


def test_what_docker_and_containerd_read_differently_is_reported(asked: Asked) -> None:
    differ = [body for body, docker, oci, _ in asked if docker != oci and "error" not in (docker, oci)]
    assert differ
    assert [body for body in differ if not _ambiguous(body)] == []


def test_where_another_reader_sees_another_user_we_say_so(asked: Asked) -> None:
    """Python's own reader stands for all that look a key up as it is spelled."""
    read = [(body, ours.partition(",")[0]) for body, _, _, ours in asked if ours != "error"]
    differ = [body for body, user in read if _hex(_plain_user(body)) != user]
    assert len(differ) > COUNT // 50
    assert [body for body in differ if not _ambiguous(body)] == []


def _plain_user(body: bytes) -> str:
    config = json.loads(body.decode("utf-8", "replace")).get("config") or {}
    return str(config.get("User") or "")
