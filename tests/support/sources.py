"""Opens registries of tests, which are on loopback and must not keep a test waiting."""

from __future__ import annotations

from dataclasses import replace

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.asking import Access
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.network import PRIVATE_TOO

LOCAL = Access(network=PRIVATE_TOO, sleep=lambda _: None)
"""Private addresses allowed, no waiting between repetitions."""

CANARY = "canary-9f3b1c-password"
LOGIN = Credential("scanner", CANARY)


def open_registry(url: str, access: Access | None = None, *, limits: Limits = DEFAULT_LIMITS) -> RegistrySource:
    """A source of ``https://host[:port]``; plain http only where the text says ``http://``."""
    return RegistrySource(parse_registry_url(url, plain_http=url.startswith("http://")), access, limits=limits)


def local_source(url: str, credential: Credential | None = None, *, limits: Limits = DEFAULT_LIMITS) -> RegistrySource:
    """A source on loopback; use it in ``with``."""
    return open_registry(url, replace(LOCAL, credential=credential), limits=limits)
