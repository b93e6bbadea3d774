"""The ladder names the rung that breaks."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pytest
import trustme

from scanner.sources.registry.diagnosis import Step, StepState, diagnose
from scanner.sources.registry.network import PUBLIC_ONLY
from tests.support.demo_registry import DemoRegistry
from tests.support.images import Stored
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
    "manifest",
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


def test_tls_names_the_issuer(demo_registry: DemoRegistry) -> None:
    authority = trustme.CA(organization_name="Ours")
    registry = DemoRegistry(demo_registry.layout.folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    registry.speak_tls(context)
    with registry.running():
        steps = {
            step.name: step
            for step in diagnose(registry.url, replace(LOCAL, extra_ca=authority.cert_pem.bytes().decode()))
        }
    assert steps["tls"].state is StepState.OK
    assert "Ours" in steps["tls"].detail
    assert "valid until" in steps["tls"].detail


@pytest.mark.parametrize(
    ("fault", "value", "rung", "code"),
    [
        ("raw_answer", b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n", "api", "not-found"),
        ("server_errors", 99, "api", "server-error"),
        ("realm", "https://evil.example/token", "login", "token-realm-forbidden"),
        ("token_status", 401, "login", "auth-failed"),
        ("catalog_status", 404, "catalog", "catalog-unsupported"),
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
