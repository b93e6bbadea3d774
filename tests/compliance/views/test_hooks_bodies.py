"""Where registries push: bodies that are odd, too large, or written in another way."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from compliance.models import InboundEvent, Push
from compliance.policy.wake_up import WakeUp
from compliance.services.accept_event import KEPT_BYTES
from compliance.views import hooks
from compliance.webhooks.body import MOST_BYTES
from tests.support.hooks import Hook, pushed
from tests.support.rows import registry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung", "no_rejections")]


# -- C-02: authenticated but odd

ODD = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff",
    b'{"events": 1}',
    b'{"events": [{"action": "x"}]}',
    b'{"a": 1, "a": 2}',
    b"\x00",
    b'{"events": ["\\ud800"]}',
]


@pytest.mark.parametrize("body", ODD)
def test_what_is_odd_is_kept_for_a_person(hook: Hook, body: bytes, rung: list[WakeUp]) -> None:
    assert hook.send(body).status_code == 202

    event = hook.event()
    assert (event.outcome, bytes(event.body), event.body_size) == ("quarantined", body, len(body))
    assert event.reason
    assert (hook.states(), rung) == ([], [])


def test_a_part_of_a_long_body_is_kept(hook: Hook) -> None:
    body = b'{"events": "' + b"x" * (MOST_BYTES - 14) + b'"}'
    assert len(body) == MOST_BYTES
    assert hook.send(body).status_code == 202
    assert (len(hook.event().body), hook.event().body_size) == (KEPT_BYTES, MOST_BYTES)


@pytest.mark.parametrize("body", [b'{"events": []}', pushed(action="pull")])
def test_nothing_to_do_is_said_so(hook: Hook, body: bytes) -> None:
    assert hook.send(body).status_code == 202
    assert (hook.event().outcome, bool(hook.event().reason)) == ("ignored", True)


def test_a_disabled_registry_has_nothing_to_do(hook: Hook) -> None:
    hook.registry.enabled = False
    hook.registry.save()
    assert hook.send(pushed()).status_code == 202
    assert (hook.event().outcome, hook.states()) == ("ignored", [])


def test_a_payload_about_another_registry_of_ours(hook: Hook, rung: list[WakeUp]) -> None:
    registry("Other", url="https://other.example")
    for host, outcome in (
        ("other.example", "quarantined"),
        ("harbor.example", "accepted"),
        ("alias.example", "accepted"),
    ):
        hook.send(pushed(tag=host, request={"host": host}))
        assert hook.event().outcome == outcome, host
    assert Push.objects.filter(tag="other.example").count() == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=300),
    header=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=20),
)
def test_no_request_breaks_us(hook: Hook, body: bytes, header: str) -> None:
    assert hook.send(body, {"x-something": header}).status_code == 202


# -- C-03: sizes and encodings


def test_a_body_that_is_too_large(hook: Hook) -> None:
    assert hook.send(b" " * (MOST_BYTES + 1)).status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_an_encoded_body(hook: Hook, encoding: str) -> None:
    assert hook.send(pushed(), {"content-encoding": encoding}).status_code == 415


def test_an_identity_encoding_is_none(hook: Hook) -> None:
    assert hook.send(pushed(), {"content-encoding": "identity"}).status_code == 202


def chunked(hook: Hook, stream: io.BytesIO, **environ: Any) -> int:
    """As a server hands a chunked request over: no length, a stream that ends."""
    request = RequestFactory().post(hook.path, headers={"authorization": f"Bearer {hook.secret}"})
    request.META.pop("CONTENT_LENGTH", None)
    request.META.update({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": stream, **environ})
    return hooks.receive(request, hook.endpoint.key).status_code


def test_a_chunked_body(hook: Hook) -> None:
    assert chunked(hook, io.BytesIO(pushed()), **{"wsgi.input_terminated": True}) == 202
    assert hook.states() == ["waiting"]


def test_a_chunked_body_without_an_end(hook: Hook) -> None:
    class Endless(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            self.given += size
            return b" " * size

    stream = Endless()
    assert chunked(hook, stream, **{"wsgi.input_terminated": True}) == 413
    assert stream.given == MOST_BYTES + 1


def test_nobody_waits_for_the_body_of_a_stranger(hook: Hook) -> None:
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("it was read")

    for key, secret in ((hook.endpoint.key, "wrong"), ("0" * 32, hook.secret)):
        request = RequestFactory().post(hook.path, headers={"authorization": f"Bearer {secret}"})
        request.META.update({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Dripping(), "wsgi.input_terminated": 1})
        assert hooks.receive(request, key).status_code == 401


def test_a_body_that_drips_is_given_up(hook: Hook, settings: Settings) -> None:
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(0.02)
            return b" "

    settings.HOOK_BODY_SECONDS = 0.1
    assert chunked(hook, Dripping(), **{"wsgi.input_terminated": True}) == 408
    assert not InboundEvent.objects.exists()


def test_a_chunked_body_of_a_server_that_does_not_end_it(hook: Hook) -> None:
    assert chunked(hook, io.BytesIO(pushed())) == 411


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "\u0663"])
def test_a_length_that_is_none(hook: Hook, length: str) -> None:
    request = RequestFactory().post(hook.path, headers={"authorization": f"Bearer {hook.secret}"})
    request.META["CONTENT_LENGTH"] = length
    assert hooks.receive(request, hook.endpoint.key).status_code == 400


def test_a_body_that_ends_too_soon(hook: Hook) -> None:
    proof = {"authorization": f"Bearer {hook.secret}"}
    request = RequestFactory().post(hook.path, b"{}", content_type="application/json", headers=proof)
    request.META["CONTENT_LENGTH"] = "20"
    assert hooks.receive(request, hook.endpoint.key).status_code == 400
