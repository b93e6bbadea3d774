from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.identity import Runtime
from scanner.identity_lines import BadLine, identity_line


def ask(runtime: Runtime = Runtime.DOCKER, **question: object) -> object:
    return json.loads(identity_line(json.dumps(question), runtime))


def test_an_identity() -> None:
    passwd, group = "app:x:1001:1001::/app:/bin/sh\n", "b:x:50:app\na:x:10:app\na:x:10:app\nown:x:1001:app\n"
    answer = ask(user="app", passwd=passwd, group=group)
    assert answer == {"uid": 1001, "gid": 1001, "groups": [10, 50], "home": "/app"}


def test_a_start_error_in_the_words_of_the_runtime() -> None:
    words = "unable to find user app: no matching entries in passwd file"
    assert ask(user="app", passwd=None, group=None) == {"error": words}


def test_the_environment_may_say_home() -> None:
    assert ask(user="5", passwd=None, group=None, env=["HOME=/h"]) == {"uid": 5, "gid": 0, "groups": [], "home": "/h"}


def test_the_working_folder_is_a_home_under_podman() -> None:
    answer = ask(Runtime.PODMAN, user="5", passwd=None, group=None, working_dir="/work")
    assert answer == {"uid": 5, "gid": 0, "groups": [], "home": "/work"}


def test_the_runtime_matters() -> None:
    found = [ask(runtime, user="9:9", passwd=None, group="9:x:0:") for runtime in Runtime]
    assert [(answer["gid"], answer["groups"]) for answer in found if isinstance(answer, dict)] == [
        (9, []),
        (9, [0]),
        (9, []),
        (0, []),
        (9, []),
        (0, []),
        (9, []),
        (9, []),
    ]


def test_bytes_travel_as_surrogates() -> None:
    line = json.dumps({"user": "a", "passwd": b"\xff:x:1:1:::\na:x:5:5::/\xfe:\n".decode("utf-8", "surrogateescape")})
    assert json.loads(identity_line(line, Runtime.DOCKER)) == {"uid": 5, "gid": 5, "groups": [], "home": "/\udcfe"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "[]",
        "1",
        '{"user": 1}',
        '{"user": null}',
        '{"user":"a","passwd":1}',
        '{"user":"a","env":"HOME=/"}',
        '{"user":"a","working_dir":1}',
        "[" * 9999,
    ],
)
def test_what_is_no_question(line: str) -> None:
    with pytest.raises(BadLine):
        identity_line(line, Runtime.DOCKER)


@given(st.text(), st.none() | st.text(), st.none() | st.text(), st.sampled_from(Runtime))
def test_every_question_has_one_line_of_answer(
    user: str, passwd: str | None, group: str | None, runtime: Runtime
) -> None:
    answer = identity_line(json.dumps({"user": user, "passwd": passwd, "group": group}), runtime)
    assert "\n" not in answer
    assert set(json.loads(answer)) in ({"error"}, {"uid", "gid", "groups", "home"})
