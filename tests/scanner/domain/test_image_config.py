from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.image_config import ImageConfig, Platform, parse_image_config
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ImageProblem, LimitExceeded

DIGEST = "sha256:" + "a" * 64
ROOTFS = b'"rootfs":{"type":"layers","diff_ids":[]}'


def config(fields: bytes) -> ImageConfig:
    return parse_image_config(b"{" + ROOTFS + b"," + fields + b"}", DEFAULT_LIMITS)[0]


def notes(fields: bytes) -> list[tuple[str, str]]:
    found = parse_image_config(b"{" + ROOTFS + b"," + fields + b"}", DEFAULT_LIMITS)[1]
    return [(note.code, note.where) for note in found]


# What Go decodes, and what we say about it.
TRAPS: list[tuple[bytes, str, list[tuple[str, str]]]] = [
    (b'"config":{"User":"1000","user":"0"}', "0", [("folding-key", "/config/User")]),
    (b'"config":{"user":"0","User":"1000"}', "1000", [("folding-key", "/config/User")]),
    (b'"config":{"u\\u017fer":"0"}', "0", [("folding-key", "/config/User")]),
    ('"config":{"uſer":"0"}'.encode(), "0", [("folding-key", "/config/User")]),
    (
        b'"config":{"User":"1000"},"CONFIG":{"user":"0"}',
        "0",
        [("folding-key", "/config"), ("folding-key", "/config/User")],
    ),
    (b'"config":{"User":"1000"},"config":{}', "1000", [("duplicate-key", "/config")]),
    (b'"config":{"User":"1000"},"config":null', "1000", [("duplicate-key", "/config")]),
    (b'"config":{"User":"1000","User":null}', "1000", [("duplicate-key", "/config/User")]),
    (b'"config":{"User":"1000","User":"0"}', "0", [("duplicate-key", "/config/User")]),
    (
        b'"config":{"User":"1000"},"config":{"User":"0"}',
        "0",
        [("duplicate-key", "/config"), ("duplicate-key", "/config/User")],
    ),
    (b'"config":{"User":null}', "", []),
    (b'"config":null', "", []),
    (b'"os":"linux"', "", []),
    (b'"config":{"User":"a\\u0000b"}', "a\x00b", []),
    (b'"config":{"User":"\\ud800"}', "\ufffd", []),
    ('"config":{"Usér":"0","User ":"0","Users":"0"}'.encode(), "", []),
    (b'"config":{"Unknown":1,"Unknown":2}', "", []),
]


@pytest.mark.parametrize(("fields", "user", "ambiguities"), TRAPS)
def test_user_as_go_runtimes_see_it(fields: bytes, user: str, ambiguities: list[tuple[str, str]]) -> None:
    assert config(fields).user == user
    assert notes(fields) == ambiguities


REFUSED = [
    *(b'"config":{"User":1000}', b'"config":[]', b'"config":{"User":["a"]}', b'"config":{"Env":"A=b"}'),
    *(b'"config":{"Env":[1]}', b'"config":{"Labels":[]}', b'"config":{"Labels":{"a":1}}', b'"os":1', b'"history":{}'),
    *(b'"history":[1]', b'"history":[{"empty_layer":"yes"}]', b'"config":{"Volumes":["/a"]}', b'"os":NaN'),
    *(b'"config":{"Entrypoint":1}', b'"config":{"Cmd":{"a":"b"}}', b'"config":{"User":1,"User":"a"}'),
]


@pytest.mark.parametrize("fields", REFUSED)
def test_what_a_runtime_cannot_decode_is_refused(fields: bytes) -> None:
    with pytest.raises(ImageProblem) as caught:
        config(fields)
    assert caught.value.code == "bad-config"


@pytest.mark.parametrize(
    "body",
    [
        *(b"{}", b'{"rootfs":null}', b"[]", b"null", b"{" + ROOTFS + b"} x", b'{"rootfs":[]}'),
        *(b'{"rootfs":{"type":"other"}}', b'{"rootfs":{"diff_ids":["md5:a"]}}', b'{"rootfs":{"diff_ids":[null]}}'),
        b'{"rootfs":{"diff_ids":["' + DIGEST.upper().encode() + b'"]}}',
    ],
)
def test_a_config_needs_a_rootfs_of_layers(body: bytes) -> None:
    with pytest.raises(ImageProblem) as caught:
        parse_image_config(body, DEFAULT_LIMITS)
    assert caught.value.code == "bad-config"


def test_all_fields() -> None:
    found = config(
        b'"architecture":"arm64","os":"linux","variant":"v8","os.version":"10","created":"2024-02-29T23:59:59.5+02:00",'
        b'"config":{"Env":["A=1","HOME=/a","HOME=/b"],"Entrypoint":["/e"],"Cmd":[],"WorkingDir":"/w","Labels":{"l":"v"},'
        b'"Volumes":{"/v":{}},"ExposedPorts":{"80/tcp":{}}},'
        b'"history":[{"created_by":"RUN x"},{"created_by":"USER app","empty_layer":true,"comment":"c"}]'
    )
    assert found.platform == Platform("linux", "arm64", "v8", "10")
    assert found.created == datetime(2024, 2, 29, 21, 59, 59, 500_000, tzinfo=UTC)
    assert (found.entrypoint, found.cmd, found.working_dir) == (("/e",), (), "/w")
    assert (found.volumes, found.exposed_ports, found.labels) == (("/v",), ("80/tcp",), (("l", "v"),))
    assert found.environment("HOME") == "/b"
    assert [(entry.created_by, entry.empty_layer) for entry in found.history] == [("RUN x", False), ("USER app", True)]


@pytest.mark.parametrize(
    ("value", "command"),
    [(b'"/bin/x y"', ("/bin/x y",)), (b'["a"]', ("a",)), (b"null", None), (b"[]", ())],
)
def test_a_command_may_be_one_string(value: bytes, command: tuple[str, ...] | None) -> None:
    assert config(b'"config":{"Entrypoint":' + value + b"}").entrypoint == command


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"])
def test_a_time_that_stands_for_none(text: str) -> None:
    assert config(f'"created":"{text}"'.encode()).created is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2024-01-01", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00", "2024-02-30T00:00:00Z"),
        *("2024-01-01T00:00:00+99:99", "２０２４-01-01T00:00:00Z", "2024-01-01t00:00:00Z"),
    ],
)
def test_an_image_with_an_odd_time_does_not_load(text: str) -> None:
    with pytest.raises(ImageProblem, match="is no time"):
        config(f'"created":"{text}"'.encode())


def test_layers_are_bounded() -> None:
    body = '{"rootfs":{"diff_ids":[' + ",".join([f'"{DIGEST}"'] * 128) + "]}}"
    with pytest.raises(LimitExceeded) as caught:
        parse_image_config(body.encode(), DEFAULT_LIMITS)
    assert caught.value.code == "limit-layers"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(config_bytes=10), "limit-config-bytes"),
        (Limits(json_depth=1), "limit-json-depth"),
        (Limits(json_values=0), "limit-json-values"),
    ],
)
def test_the_document_is_bounded(limits: Limits, code: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        parse_image_config(b"{" + ROOTFS + b"}", limits)
    assert caught.value.code == code


keys = st.sampled_from(["User", "user", "USER", "u\\u017fer", "Env", "config", "Config", "rootfs", "os", "history"])
values = st.recursive(
    st.sampled_from(["null", '"0"', '"app"', "1", "true", "[]", "{}"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(keys, inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
        ),
    ),
    max_leaves=12,
)


@given(values)
def test_no_document_causes_another_error(body: str) -> None:
    try:
        parse_image_config(body.encode(), DEFAULT_LIMITS)
    except ImageProblem as problem:
        code = problem.code
    else:
        code = "bad-config"
    assert code == "bad-config"
