"""The real docker-registry behind TLS, which demands a client certificate: Go says it in words of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from scanner.domain.problems import Refused
from scanner.sources.registry.diagnosis import StepState, diagnose
from scanner.sources.registry.tls import ClientCertificate
from tests.support.real_registry import RealRegistry, running_registry
from tests.support.sources import LOCAL, open_registry

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()
OURS = replace(LOCAL, extra_ca=AUTHORITY.cert_pem.bytes().decode())


def client(authority: trustme.CA) -> ClientCertificate:
    issued = authority.issue_cert("scanner.example")
    return ClientCertificate(issued.cert_chain_pems[0].bytes().decode(), issued.private_key_pem.bytes().decode())


@pytest.fixture
def demanding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealRegistry]:
    """It takes its settings from the environment too."""
    server = AUTHORITY.issue_cert("127.0.0.1")
    paths = {name: tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
    paths["ca"].write_bytes(AUTHORITY.cert_pem.bytes())
    paths["certificate"].write_bytes(server.cert_chain_pems[0].bytes())
    paths["key"].write_bytes(server.private_key_pem.bytes())
    monkeypatch.setenv("REGISTRY_HTTP_TLS_CERTIFICATE", str(paths["certificate"]))
    monkeypatch.setenv("REGISTRY_HTTP_TLS_KEY", str(paths["key"]))
    monkeypatch.setenv("REGISTRY_HTTP_TLS_CLIENTCAS", json.dumps([str(paths["ca"])]))
    with running_registry(tmp_path) as registry:
        yield registry


def test_the_right_certificate(demanding: RealRegistry) -> None:
    with open_registry(f"https://{demanding.host}", replace(OURS, client=client(AUTHORITY))) as source:
        assert source.ping()


@pytest.mark.parametrize(
    ("shown", "code"),
    [(None, "client-certificate-required"), (client(STRANGER), "client-certificate-refused")],
)
def test_another_or_none(demanding: RealRegistry, shown: ClientCertificate | None, code: str) -> None:
    url, access = f"https://{demanding.host}", replace(OURS, client=shown)
    with open_registry(url, access) as source, pytest.raises(Refused) as caught:
        source.ping()
    assert caught.value.code == code
    broken = [step.code for step in diagnose(url, access) if step.state is StepState.FAILED]
    assert broken == [code]
