from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import inspect
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from compliance.models import InboundEvent, Push
from compliance.policy.wake_up import WakeUp, Work
from compliance.services import authenticate_sender as authenticating
from compliance.services.accept_event import KEPT_BYTES
from compliance.services.webhook_endpoints import rotate_secret, set_enabled
from compliance.tasks.push_bell import BELL
from compliance.views import hooks
from compliance.webhooks import proof
from compliance.webhooks.body import MOST_BYTES
from compliance.webhooks.senders import SENDERS
from tests.support.hooks import A, B, Hook, pushed
from tests.support.rows import NOW, registry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[WakeUp]:
    """What the bell was asked to ring for."""
    found: list[WakeUp] = []
    monkeypatch.setattr(BELL, "ring", found.extend)
    return found


@pytest.fixture(autouse=True)
def no_rejections() -> Iterator[None]:
    """Counts are kept by the process and ids come again."""
    with patch.object(authenticating, "_REJECTIONS", authenticating._Rejections()):
        yield


@pytest.fixture
def hook() -> Hook:
    return Hook(registry())


def test_a_push_is_stored_before_it_is_answered(hook: Hook, rung: list[WakeUp]) -> None:
    answer = hook.send(pushed())

    push = Push.objects.get()
    assert (answer.status_code, json.loads(answer.content)) == (202, {"event": push.event_id, "outcome": "accepted"})
    assert (push.state, push.repository, push.tag, push.digest) == ("waiting", "team/shop", "1.4", A)
    assert (push.event.product, push.event.body_size, push.event.remote_address) == (
        "distribution",
        len(pushed()),
        "127.0.0.1",
    )
    assert rung == [WakeUp(Work.PUSHES, hook.registry.pk)]


@pytest.mark.parametrize("product", SENDERS)
def test_every_product_proves_itself(product: str) -> None:
    host = "europe-docker.pkg.dev" if product == "gar" else "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
    hook = Hook(registry(url=f"https://{host}"), product)
    sample = SENDERS[product].sample

    answer = hook.send(sample.body.encode(), sample.headers)

    assert (answer.status_code, hook.event().outcome, hook.states()) == (202, "accepted", ["waiting"])
    assert hook.secret not in json.dumps(hook.event().headers)


# -- C-01: who may


def _wrong(product: str) -> list[dict[str, str]]:
    """Headers that prove nothing; the body is ``pushed(event="e")``."""
    found = SENDERS[product].proofs[0]
    if isinstance(found, proof.AddressSecret):
        return [{}, {"authorization": "Bearer x"}]
    name = found.header.lower()
    values = ["", "x", "Bearer ", "Bearer x", "Basic Og==", "Basic !!", "\u00e9\u00e8", "x" * 5_000, "sha256=", "None"]
    values += ["sha256=" + "0" * 64, "0" * 64, "0" * 40, "sha1=" + "0" * 40]
    return [{}, *({name: value} for value in values)]


@pytest.mark.parametrize("product", SENDERS)
def test_nothing_but_the_secret_proves(product: str) -> None:
    hook = Hook(registry(), product)
    for headers in _wrong(product):
        answer = hook.send(pushed(event="e"), headers, proven=False)
        assert (answer.status_code, answer.content) == (401, b'{"error": "Not authenticated."}'), headers
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize("product", ["ghcr", "gitea", "nexus", "artifactory"])
def test_a_signature_is_over_the_bytes_as_they_came(product: str) -> None:
    hook = Hook(registry(), product)
    body = pushed()
    signed = proof.sign(SENDERS[product].proofs[0], hook.secret, json.dumps(json.loads(body), indent=1).encode())
    assert hook.send(body, proven=False, headers=signed).status_code == 401


def test_a_signature_by_another_algorithm_or_twice_is_none() -> None:
    hook = Hook(registry(), "ghcr")
    body = pushed()
    sha1 = hmac.new(hook.secret.encode(), body, hashlib.sha1).hexdigest()
    right = proof.sign(SENDERS["ghcr"].proofs[0], hook.secret, body)["x-hub-signature-256"]
    for value in (f"sha1={sha1}", f"sha256={sha1}", f"{right},{right}", right.removeprefix("sha256="), f"{right} "):
        assert hook.send(body, proven=False, headers={"x-hub-signature-256": value}).status_code == 401


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}", "Token {}"])
def test_ways_to_write_a_secret_in_a_header(hook: Hook, form: str) -> None:
    assert hook.send(pushed(), proven=False, headers={"authorization": form.format(hook.secret)}).status_code == 202


def test_a_secret_as_the_password_of_a_user(hook: Hook) -> None:
    basic = base64.b64encode(f"plimsoll:{hook.secret}".encode()).decode()
    assert hook.send(pushed(), proven=False, headers={"authorization": f"Basic {basic}"}).status_code == 202


def test_a_header_that_came_twice_is_no_secret(hook: Hook) -> None:
    assert (
        hook.send(
            pushed(), proven=False, headers={"authorization": f"Bearer {hook.secret},Bearer {hook.secret}"}
        ).status_code
        == 401
    )


def test_the_secret_of_another_registry(hook: Hook) -> None:
    other = Hook(registry("Other"))
    assert hook.send(pushed(), proven=False, headers={"authorization": f"Bearer {other.secret}"}).status_code == 401


def test_the_address_proves_nothing_where_a_header_must(hook: Hook) -> None:
    assert hook.send(pushed(), path=f"{hook.path}{hook.secret}/", proven=False).status_code == 401


def test_both_secrets_count_while_one_is_rotated(hook: Hook) -> None:
    old = hook.secret
    new = rotate_secret(hook.endpoint, hours=24, now=NOW).secret
    for secret in (old, new):
        assert hook.send(pushed(), proven=False, headers={"authorization": f"Bearer {secret}"}).status_code == 202

    with patch("django.utils.timezone.now", return_value=NOW + timedelta(hours=24)):
        assert hook.send(pushed(), proven=False, headers={"authorization": f"Bearer {old}"}).status_code == 401
        assert hook.send(pushed(), proven=False, headers={"authorization": f"Bearer {new}"}).status_code == 202


def test_a_rotation_without_overlap(hook: Hook) -> None:
    rotate_secret(hook.endpoint, hours=0, now=NOW)
    assert hook.send(pushed()).status_code == 401


def test_a_disabled_endpoint_answers_as_one_that_is_not_there(hook: Hook) -> None:
    set_enabled(hook.endpoint, False)
    there = hook.send(pushed())
    nowhere = hook.send(pushed(), path="/hooks/" + "0" * 32 + "/")
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content) == (401, nowhere.content)
    hook.endpoint.refresh_from_db()
    assert (hook.endpoint.rejected, hook.endpoint.rejected_reason) == (1, "The endpoint is disabled.")


def test_rejections_are_counted_and_not_one_by_one(hook: Hook) -> None:
    for _ in range(5):
        hook.send(pushed(), proven=False)
    hook.endpoint.refresh_from_db()
    assert hook.endpoint.rejected == 1

    with patch("django.utils.timezone.now", return_value=NOW + timedelta(seconds=2)):
        hook.send(pushed(), proven=False)
    hook.endpoint.refresh_from_db()
    assert (hook.endpoint.rejected, hook.endpoint.rejected_at) == (6, NOW + timedelta(seconds=2))


def test_secrets_are_compared_in_constant_time_only() -> None:
    """No ``==``, ``!=`` or ``in`` on anything secret: all of it goes through one function."""
    tree = ast.parse(inspect.getsource(proof))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    compared = [
        ast.unparse(node)
        for name in ("is_proven", "_holds", "_is_signed", "_same")
        for node in ast.walk(functions[name])
        if isinstance(node, ast.Compare)
    ]
    assert compared == []
    assert "hmac.compare_digest" in ast.unparse(functions["_same"])
    for name in ("_holds", "_is_signed"):
        assert "_same(" in ast.unparse(functions[name])


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


# -- C-04: never a redirect


@pytest.mark.parametrize("suffix", ["", "/", "/wrong", "/wrong/", "/a/b/c", "/?x=1", "//"])
@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_no_address_and_no_method_is_redirected(hook: Hook, settings: Settings, suffix: str, method: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = getattr(hook.client, method)(hook.path.rstrip("/") + suffix)
    assert answer.status_code == (401 if method == "post" else 405)


@pytest.mark.parametrize(
    "path",
    ["/hooks", "/hooks/", "/hooks//", "/hooks/nobody", "/hooks/\u00e9/", "/hooks/" + "x" * 3_000],
)
def test_no_endpoint_is_there(db: None, settings: Settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().post(path).status_code == 401


@pytest.mark.parametrize("slash", ["", "/"])
def test_with_and_without_a_slash(slash: str) -> None:
    hook = Hook(registry(), "quay")
    body = SENDERS["quay"].sample.body.encode()
    assert hook.send(body, path=f"{hook.path}{hook.secret}{slash}").status_code == 202


def test_the_secret_of_an_address_is_nowhere(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    hook = Hook(registry(), "quay")
    caplog.set_level(logging.DEBUG)
    address = f"{hook.path}{hook.secret}/"
    proxy = {"x-original-uri": address, "referer": f"https://plimsoll.example{address}"}

    answer = hook.send(SENDERS["quay"].sample.body.encode(), headers=proxy, path=f"{address}?token={hook.secret}")
    hook.send(b"{}", path=f"{hook.path}{hook.secret}x/")

    stored = json.dumps(hook.event().headers)
    printed = capfd.readouterr()
    assert answer.status_code == 202
    for text in (caplog.text, printed.out, printed.err, stored, str(answer.wsgi_request.META["PATH_INFO"])):
        assert hook.secret not in text


def test_secrets_are_masked_in_what_is_kept(hook: Hook) -> None:
    hook.send(pushed(), {"cookie": "session=1", "x-forwarded-by": f"x{hook.secret}y", "user-agent": "docker\x7f"})
    kept = hook.event().headers
    assert (kept["authorization"], kept["cookie"], kept["x-forwarded-by"]) == (proof.MASKED,) * 3
    assert kept["user-agent"] == "docker\\x7f"


# -- durability


@contextmanager
def failing(words: str, fault: str) -> Iterator[None]:
    """A database that cannot do statements with these words."""

    def run(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if words in sql:
            raise OperationalError(fault)
        return execute(sql, *more)

    with connection.execute_wrapper(run):
        yield


def test_a_database_that_is_down(hook: Hook, rung: list[WakeUp]) -> None:
    with failing("INSERT INTO compliance_inboundevent", "no space left on device"):
        answer = hook.send(pushed())
    assert (answer.status_code, answer["Retry-After"], rung) == (503, "10", [])
    assert not Push.objects.exists()


def test_nothing_of_a_request_is_stored_without_the_rest(hook: Hook) -> None:
    with failing('UPDATE "compliance_webhookendpoint"', "terminated"):
        assert hook.send(pushed()).status_code == 503
    assert not InboundEvent.objects.exists()
    assert not Push.objects.exists()


def test_how_many_statements_a_push_costs(hook: Hook, django_assert_num_queries: Any) -> None:
    hook.send(pushed("first"))
    with django_assert_num_queries(5):  # endpoint, savepoint, what is known, event with pushes, release
        hook.send(pushed("second", B))
