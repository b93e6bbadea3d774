"""A connection test with values nobody has saved."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from compliance.models import Registry
from compliance.models.registry import AuthMethod
from compliance.services.check_registry import check_registry
from compliance.services.open_source import CREDENTIALS
from compliance.services.save_registry import RegistryValues, save_registry
from scanner.domain.problems import Unavailable
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.steps import Step, StepState
from tests.compliance.services.conftest import NOON, World, app


def values(world: World, **entered: object) -> RegistryValues:
    return RegistryValues("new", **{"url": world.server.url, "policy": "kubernetes", "allow_private": True, **entered})  # type: ignore[arg-type]  # named by their fields


def test_the_whole_ladder(world: World) -> None:
    world.layout.tag("team/shop", "1", app("app"))
    steps = list(check_registry(values(world)))
    assert [step.name for step in steps][:3] == ["address", "name", "allowed"]
    assert {step.state for step in steps} <= {StepState.OK, StepState.SKIPPED}
    assert not Registry.objects.filter(name="new").exists()


def test_steps_come_one_by_one(world: World) -> None:
    steps = check_registry(values(world))
    assert isinstance(steps, Iterator)
    assert next(steps).name == "address"
    assert world.server.requests == []


def test_a_credential_that_cannot_be_had_is_the_first_step(world: World) -> None:
    def fails(registry: Registry, secret: str) -> Credential | None:
        raise Unavailable("unreachable", "AWS does not answer", remedy="Try again.")

    with patch.dict(CREDENTIALS, {AuthMethod.ECR: fails}):
        (step,) = check_registry(values(world, auth_method="ecr", username="u", password="p"))
    assert (step.name, step.state, step.code) == ("credential", StepState.FAILED, "unreachable")
    assert world.server.requests == []


def test_a_credential_that_is_exchanged_has_its_own_step(world: World) -> None:
    with patch.dict(CREDENTIALS, {AuthMethod.ECR: lambda registry, secret: Credential("AWS", secret)}):
        first, *rest = check_registry(values(world, auth_method="ecr", username="u", password="p"))
    assert (first.name, first.state) == ("credential", StepState.OK)
    assert len(rest) > 10


def test_a_lost_key_is_a_step(world: World, settings: Settings) -> None:
    saved = save_registry(values(world, username="u", password="p"), now=NOON)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    (step,) = check_registry(values(world, username="u"), saved)
    assert (step.name, step.code, bool(step.hint)) == ("credential", "credential-key-missing", True)


@pytest.mark.parametrize("url", ["docker-daemon:", "oci:/nowhere", "docker-archive:/nowhere.tar"])
def test_a_source_on_this_machine_is_one_step(db: None, world: World, url: str) -> None:
    (step,) = check_registry(values(world, url=url))
    assert (step.name, step.state) == ("source", StepState.FAILED)
    assert isinstance(step, Step)
    assert step.hint
