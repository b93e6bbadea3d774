"""What a row's method of logging in turns into, and what the operator must allow for it."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from compliance.models import Registry
from compliance.models.registry import AuthMethod
from compliance.services.open_source import CREDENTIALS, access_of
from scanner.domain.problems import ScanProblem
from scanner.sources.registry.credentials import Credential

ECR = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"
HOSTS = {AuthMethod.ECR: ECR, AuthMethod.GOOGLE: "https://gcr.io", AuthMethod.AZURE: "https://shop12.azurecr.io"}


@pytest.fixture
def config(tmp_path: Path, settings: Any) -> Path:
    settings.DOCKER_CONFIG = str(tmp_path)
    auth = base64.b64encode(b"worker:from-the-file").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example": {"auth": auth}}}))
    return tmp_path


def problem(registry: Registry) -> str:
    with pytest.raises(ScanProblem) as caught:
        access_of(registry)
    assert caught.value.remedy
    return caught.value.code


def test_every_method_has_a_way() -> None:
    assert set(CREDENTIALS) == set(AuthMethod)


def test_the_workers_docker_configuration(config: Path) -> None:
    registry = Registry(url="https://registry.example", auth_method=AuthMethod.DOCKER_CONFIG)
    assert access_of(registry).credential == Credential("worker", "from-the-file")


@pytest.mark.parametrize(
    "columns",
    [
        {"url": "http://registry.example"},
        {"verify_tls": False},
        {"extra_ca": "of whoever has the proxy"},
    ],
)
def test_a_proxy_that_can_read_along_is_not_shown_what_the_operator_lends(
    config: Path, columns: dict[str, Any]
) -> None:
    row = {"url": "https://registry.example", "auth_method": AuthMethod.DOCKER_CONFIG, "proxy": "http://p.example:3128"}
    assert access_of(Registry(**row)).credential == Credential("worker", "from-the-file")
    assert problem(Registry(**{**row, **columns})) == "credential-forbidden"


@pytest.mark.parametrize("method", [AuthMethod.ECR, AuthMethod.GOOGLE, AuthMethod.AZURE])
def test_nor_is_the_workers_cloud_identity(settings: Any, method: AuthMethod) -> None:
    settings.AMBIENT_CLOUD = True
    row = Registry(url=HOSTS[method], auth_method=method, proxy="http://p.example:3128", verify_tls=False)
    with pytest.raises(ScanProblem) as caught:
        access_of(row)
    assert (caught.value.code, "proxy" in caught.value.message) == ("credential-forbidden", True)


def test_the_workers_docker_configuration_for_no_other_host(config: Path) -> None:
    assert problem(Registry(url="https://evil.example", auth_method=AuthMethod.DOCKER_CONFIG)) == "credential-missing"


def test_no_docker_configuration_is_lent() -> None:
    registry = Registry(url="https://registry.example", auth_method=AuthMethod.DOCKER_CONFIG)
    assert problem(registry) == "credential-forbidden"


@pytest.mark.parametrize("method", HOSTS)
def test_the_machines_identity_is_not_lent(method: AuthMethod) -> None:
    assert problem(Registry(url=HOSTS[method], auth_method=method)) == "credential-forbidden"


@pytest.mark.parametrize("method", HOSTS)
def test_a_clouds_identity_is_for_its_own_addresses(method: AuthMethod, settings: Any) -> None:
    settings.AMBIENT_CLOUD = True
    assert problem(Registry(url="https://registry.example", auth_method=method)) == "credential-wrong-host"


@pytest.mark.parametrize("method", HOSTS)
def test_without_the_clouds_sdk(method: AuthMethod, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AMBIENT_CLOUD = True
    for name in ("boto3", "google", "azure"):
        monkeypatch.setitem(sys.modules, name, None)
    assert problem(Registry(url=HOSTS[method], auth_method=method)) == "credential-sdk-missing"
