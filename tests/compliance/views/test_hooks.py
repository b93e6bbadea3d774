"""Where registries push: who may, what is stored, and never a redirect."""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import inspect
import json
import logging
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from pytest_django import Settings

from compliance.models import InboundEvent, Push
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.webhook_endpoints import rotate_secret, set_enabled
from compliance.webhooks import proof
from compliance.webhooks.senders import SENDERS
from tests.support.hooks import A, Hook, pushed
from tests.support.rows import NOW, registry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung", "no_rejections")]


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
