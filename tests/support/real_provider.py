"""A real OpenID provider on loopback: it shows a form, exchanges codes and signs what it says of people."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from django.core.cache import caches
from django.test import override_settings

from compliance.localstack.ports import free_port
from compliance.policy.sign_on import SignOn

_SECONDS = 60


@contextmanager
def real_provider() -> Iterator[str]:
    """Run one in a process of its own, where its warnings are no errors, and set up single sign-on with it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true")
    insecure = {"AUTHLIB_INSECURE_TRANSPORT": "1"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=insecure) as process:
        try:
            _wait(address, process)
            caches["process"].clear()
            with override_settings(SINGLE_SIGN_ON=SignOn(address, "plimsoll", "secret")):
                yield address
        finally:
            process.kill()


def tell(issuer: str, subject: str, **claims: object) -> None:
    """What it is to say of somebody."""
    httpx2.put(f"{issuer}/users/{subject}", json=claims).raise_for_status()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx2.get(f"{address}/.well-known/openid-configuration").raise_for_status()
        except httpx2.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the provider did not start")
