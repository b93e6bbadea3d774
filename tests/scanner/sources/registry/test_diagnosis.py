"""The ladder names the rung that breaks."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import trustme

from scanner.domain.reference import RepositoryName, parse_repository
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.diagnosis import Step, StepState, diagnose
from scanner.sources.registry.network import PUBLIC_ONLY
from tests.support.demo_registry import DemoRegistry
from tests.support.demo_registry.tokens import Tokens
from tests.support.images import Stored, image, index
from tests.support.oci_layout import OciLayout
from tests.support.sources import CANARY, LOCAL, LOGIN

NAMES = [
    "address",
    "name",
    "allowed",
    "connection",
    "tls",
    "api",
    "demand",
    "login",
    "catalog",
    "scope",
    "manifest",
    "blob",
    "rate limit",
]


def failed(steps: list[Step]) -> Step:
    broken = [step for step in steps if step.state is StepState.FAILED]
    assert len(broken) == 1
    assert broken[0].hint
    assert [step.name for step in steps] == NAMES
    assert all(step.state is StepState.SKIPPED for step in steps[steps.index(broken[0]) + 1 :])
    return broken[0]


def test_all_is_well(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.tokens.username, demo_registry.tokens.password = LOGIN.username, LOGIN.password
    demo_registry.faults.headers = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"}
    steps = {step.name: step for step in diagnose(demo_registry.url, replace(LOCAL, credential=LOGIN))}
    assert list(steps) == NAMES
    assert [name for name, step in steps.items() if step.state is not StepState.OK] == ["tls"]
    assert shop.digest in steps["manifest"].detail
    assert "/token" in steps["demand"].detail
    assert "76" in steps["rate limit"].detail
    assert CANARY not in repr(steps)


def steps_of(registry: DemoRegistry, **changes: Any) -> dict[str, Step]:
    return {step.name: step for step in diagnose(registry.url, replace(LOCAL, **changes))}


def test_what_servers_answered_is_shown_as_they_said_it(demo_registry: DemoRegistry, shop: Stored) -> None:
    steps = steps_of(demo_registry)
    assert steps["api"].status == "GET /v2/ → 401 Unauthorized"
    assert steps["login"].status == "GET /v2/ → 401 Unauthorized; GET /token → 200 OK; GET /v2/ → 200 OK"
    assert steps["blob"].status.endswith("→ 206 Partial Content")
    assert steps["name"].status == ""


def test_a_secret_in_a_reason_is_not_shown(demo_registry: DemoRegistry) -> None:
    demo_registry.faults.raw_answer = f"HTTP/1.1 404 {CANARY}\x1b[1m\r\nContent-Length: 0\r\n\r\n".encode()
    step = failed(list(diagnose(demo_registry.url, replace(LOCAL, credential=LOGIN))))
    assert step.status.startswith("GET /v2/ → 404 ***")
    assert step.status.isprintable()


def as_jwt(payload: bytes) -> bytes:
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b"{}", payload, b"signature"))
    return b'{"token": "%s"}' % b".".join(parts)


def test_a_token_for_less_than_was_asked(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.token_body = as_jwt(b'{"access": [{"type": "repository", "name": "x", "actions": ["pull"]}]}')
    with patch.object(Tokens, "allows", lambda tokens, given, scope: given is not None):
        steps = steps_of(demo_registry)
    assert (steps["scope"].state, steps["scope"].code) == (StepState.WARNING, "scope-narrow")
    assert "asked for repository:team/shop:pull; the token grants repository:x:pull" in steps["scope"].detail
    assert steps["blob"].state is StepState.OK


def test_a_right_that_is_refused_says_what_the_token_grants(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.token_body = as_jwt(b'{"access": []}')
    demo_registry.faults.statuses = {"/v2/team/shop/tags/list": 403}
    with patch.object(Tokens, "allows", lambda tokens, given, scope: given is not None):
        step = steps_of(demo_registry)["scope"]
    assert (step.state, step.code) == (StepState.FAILED, "denied")
    assert "the token grants nothing" in step.detail


def test_a_registry_that_lists_nothing_is_a_warning(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.catalog_status = 404
    steps = steps_of(demo_registry)
    assert (steps["catalog"].state, steps["catalog"].code) == (StepState.WARNING, "catalog-unsupported")
    assert [steps[name].state for name in ("scope", "manifest", "blob")] == [StepState.SKIPPED] * 3


def test_repositories_of_a_product_are_tried(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.catalog_status = 404

    def entered(source: RegistrySource) -> Iterator[RepositoryName]:
        yield parse_repository("team/shop")
        yield from source.catalog()

    steps = {step.name: step for step in diagnose(demo_registry.url, LOCAL, lists=entered)}
    assert (steps["catalog"].state, "1 are entered" in steps["catalog"].detail) == (StepState.WARNING, True)
    assert steps["blob"].state is StepState.OK


def test_a_slow_listing_is_not_heard_to_its_end(
    demo_registry: DemoRegistry, demo_layout: OciLayout, shop: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.sources.registry.trial._LISTING_SECONDS", 0.0)
    demo_layout.tag("team/tool", "1", shop)
    demo_registry.faults.largest_page = 1
    step = steps_of(demo_registry)["catalog"]
    assert (step.state, step.detail) == (StepState.OK, "at least 1 repositories")


def test_ranges_that_are_ignored(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.ignores_range = True
    step = steps_of(demo_registry)["blob"]
    assert (step.state, step.code, bool(step.hint)) == (StepState.WARNING, "range-ignored", True)


def test_blobs_that_are_kept_elsewhere(demo_registry: DemoRegistry, demo_layout: OciLayout, shop: Stored) -> None:
    with DemoRegistry(demo_layout.folder, auth="none").running() as storage:
        demo_registry.faults.redirect_blobs_to = storage.url
        step = steps_of(demo_registry, credential=LOGIN)["blob"]
    assert f"from {storage.url}" in step.detail
    assert f"GET {storage.url}/v2/team/shop/blobs/" in step.status
    assert not any(one.with_authorization for one in storage.requests)


def test_the_config_behind_an_index_is_tried(demo_registry: DemoRegistry, demo_layout: OciLayout) -> None:
    demo_layout.tag("a/first", "1", index([image(user="app"), image(user="root", platform="linux/arm64")]))
    assert steps_of(demo_registry)["blob"].state is StepState.OK


def test_an_image_nobody_can_read_is_not_the_registrys_fault(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.content_type = "application/vnd.docker.distribution.manifest.v1+json"
    step = steps_of(demo_registry)["manifest"]
    assert (step.state, bool(step.code)) == (StepState.WARNING, True)


def test_a_registry_that_takes_too_long_is_not_asked_for_everything(
    demo_registry: DemoRegistry, shop: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.sources.registry.diagnosis._LONGEST_SECONDS", 0.0)
    steps = list(diagnose(demo_registry.url, LOCAL))
    assert {step.state for step in steps} == {StepState.SKIPPED}
    assert demo_registry.requests == []


def test_a_secret_in_a_header_is_not_shown(demo_registry: DemoRegistry, shop: Stored) -> None:
    demo_registry.faults.headers = {"ratelimit-limit": f"{CANARY} {LOGIN.basic()}"}
    steps = {step.name: step for step in diagnose(demo_registry.url, replace(LOCAL, credential=LOGIN))}
    assert steps["rate limit"].detail == "ratelimit-limit: *** Basic ***"


def test_steps_are_made_when_asked_for(demo_registry: DemoRegistry) -> None:
    ladder = diagnose(demo_registry.url, LOCAL)
    for _ in range(5):
        next(ladder)
    assert demo_registry.requests == []
    assert next(ladder).name == "api"
    assert len(demo_registry.requests) == 1


@pytest.mark.parametrize(
    ("url", "rung", "code"),
    [
        ("https://user:pw@registry.example", "address", "address-invalid"),
        ("https://registry.invalid", "name", "unreachable"),
        ("http://127.0.0.1:9", "connection", "unreachable"),
    ],
)
def test_before_anything_is_asked(url: str, rung: str, code: str) -> None:
    step = failed(list(diagnose(url, LOCAL)))
    assert (step.name, step.code) == (rung, code)


def test_a_private_address_that_is_not_allowed(demo_registry: DemoRegistry) -> None:
    step = failed(list(diagnose(demo_registry.url, replace(LOCAL, network=PUBLIC_ONLY))))
    assert (step.name, step.code) == ("allowed", "forbidden-address")
    assert demo_registry.requests == []


def test_a_certificate_that_is_not_believed(demo_registry: DemoRegistry) -> None:
    step = failed(list(diagnose(f"https://{demo_registry.host}", LOCAL)))
    assert (step.name, step.code) == ("tls", "tls-failed")


AUTHORITY = trustme.CA(organization_name="Ours")
OURS = AUTHORITY.cert_pem.bytes().decode()


def tls_step(folder: Path, days: int, **changes: Any) -> Step:
    """The step for a certificate that expires in so many days."""
    expires = datetime.now(UTC) + timedelta(days=days, hours=1)
    registry = DemoRegistry(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", common_name="shop.example", not_after=expires).configure_cert(context)
    registry.speak_tls(context)
    with registry.running():
        return steps_of(registry, **changes)["tls"]


@pytest.mark.parametrize(
    ("days", "changes", "state", "code", "words"),
    [
        (90, {"extra_ca": OURS}, StepState.OK, "", "(90 days left)"),
        (14, {"extra_ca": OURS}, StepState.OK, "", "(14 days left)"),
        (13, {"extra_ca": OURS}, StepState.WARNING, "tls-expires-soon", "(13 days left)"),
        (90, {"verify_tls": False}, StepState.WARNING, "tls-unchecked", "(90 days left)"),
        (-3, {"extra_ca": OURS}, StepState.FAILED, "tls-expired", "(3 days ago)"),
        (90, {}, StepState.FAILED, "tls-untrusted", "(90 days left)"),
    ],
)
def test_tls_names_subject_issuer_and_expiry(
    demo_layout: OciLayout, days: int, changes: dict[str, Any], state: StepState, code: str, words: str
) -> None:
    step = tls_step(demo_layout.folder, days, **changes)
    assert (step.state, step.code, bool(step.hint)) == (state, code, state is not StepState.OK)
    for expected in ("certificate of shop.example", "issued by", "Ours", words):
        assert expected in step.detail


@pytest.mark.parametrize(
    ("fault", "value", "rung", "code"),
    [
        ("raw_answer", b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n", "api", "not-found"),
        ("server_errors", 99, "api", "server-error"),
        ("realm", "https://evil.example/token", "login", "token-realm-forbidden"),
        ("token_status", 401, "login", "auth-failed"),
        ("catalog_status", 403, "catalog", "denied"),
    ],
)
def test_the_rung_that_breaks(
    demo_registry: DemoRegistry, shop: Stored, fault: str, value: object, rung: str, code: str
) -> None:
    setattr(demo_registry.faults, fault, value)
    step = failed(list(diagnose(demo_registry.url, LOCAL)))
    assert (step.name, step.code) == (rung, code)


def test_an_empty_registry_is_no_failure(demo_registry: DemoRegistry) -> None:
    steps = {step.name: step for step in diagnose(demo_registry.url, LOCAL)}
    assert steps["manifest"].state is StepState.SKIPPED
    assert "no repository" in steps["manifest"].detail
