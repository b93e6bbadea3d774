"""Amazon ECR, with an SDK of the shape that boto3 documents."""

from __future__ import annotations

import base64
import sys
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scanner.domain.problems import ScanProblem
from scanner.sources.credentials import ecr
from scanner.sources.credentials.exchange import Entered, Memory
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.credentials import Credential

PRIVATE = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"
KEYS = Entered("AKIAEXAMPLE", "secret-key")
TOKEN = base64.b64encode(b"AWS:password-of-twelve-hours").decode()
ENDS = datetime(2026, 1, 1, tzinfo=UTC)


class Aws:
    """Stands for boto3 and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.token = TOKEN

    def Session(self, **keys: str) -> Any:  # boto3's name
        self.asked.append(keys)
        return SimpleNamespace(client=self._client)

    def _client(self, service: str, *, region_name: str, config: Any) -> Any:
        self.asked.append((service, region_name))

        def get_authorization_token(**arguments: Any) -> Any:
            self.asked.append(arguments)
            data = {"authorizationToken": self.token, "expiresAt": ENDS, "proxyEndpoint": "https://evil.example"}
            return {"authorizationData": data if service == "ecr-public" else [data]}

        return SimpleNamespace(get_authorization_token=get_authorization_token)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    fake = Aws()
    config = ModuleType("botocore.config")
    config.Config = lambda **options: options  # type: ignore[attr-defined]  # a module made up here
    for name, module in {"boto3": fake, "botocore": ModuleType("botocore"), "botocore.config": config}.items():
        monkeypatch.setitem(sys.modules, name, module)
    return fake


def credential(url: str = PRIVATE, entered: Entered = KEYS) -> Credential:
    return ecr.credential(parse_registry_url(url, plain_http=True), entered, Memory(lambda: 0.0))


@pytest.mark.parametrize(
    ("url", "service", "region", "account"),
    [
        (PRIVATE, "ecr", "eu-west-1", "123456789012"),
        ("https://123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "ecr", "us-gov-west-1", "123456789012"),
        ("https://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr", "cn-north-1", "123456789012"),
        ("https://123456789012.dkr-ecr.eu-west-1.on.aws", "ecr", "eu-west-1", "123456789012"),
        ("https://public.ecr.aws", "ecr-public", "us-east-1", None),
    ],
)
def test_exchanged(aws: Aws, url: str, service: str, region: str, account: str | None) -> None:
    assert credential(url) == Credential("AWS", "password-of-twelve-hours")
    keys, client, arguments = aws.asked
    assert keys == {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret-key"}
    assert (client, arguments) == ((service, region), {"registryIds": [account]} if account else {})


def test_the_workers_own_role(aws: Aws) -> None:
    credential(entered=Entered(may_be_ambient=True))
    assert aws.asked[0] == {}


@pytest.mark.parametrize(
    ("url", "entered", "code"),
    [
        ("https://evil.example", KEYS, "credential-wrong-host"),
        ("https://123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", KEYS, "credential-wrong-host"),
        ("https://12345678901.dkr.ecr.eu-west-1.amazonaws.com", KEYS, "credential-wrong-host"),
        (PRIVATE.replace("https", "http"), KEYS, "credential-wrong-host"),
        (PRIVATE, Entered(), "credential-forbidden"),
        (PRIVATE, Entered("AKIAEXAMPLE", ""), "credential-invalid"),
        (PRIVATE, Entered("", "secret-key"), "credential-invalid"),
    ],
)
def test_not_exchanged(aws: Aws, url: str, entered: Entered, code: str) -> None:
    with pytest.raises(ScanProblem) as caught:
        credential(url, entered)
    assert (caught.value.code, aws.asked) == (code, [])


@pytest.mark.parametrize(
    "token", ["", "not base64!", base64.b64encode(b"AWS").decode(), base64.b64encode(b"AWS:").decode()]
)
def test_an_answer_without_a_token(aws: Aws, token: str) -> None:
    aws.token = token
    with pytest.raises(ScanProblem) as caught:
        credential()
    assert caught.value.code == "credential-exchange-failed"


def test_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ScanProblem) as caught:
        credential()
    assert caught.value.code == "credential-sdk-missing"
    assert "requirements-aws.txt" in caught.value.remedy
