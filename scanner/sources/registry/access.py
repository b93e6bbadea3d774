"""How a registry may be reached, apart from its address."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.network import PUBLIC_ONLY, NetworkPolicy
from scanner.sources.registry.proxies import Proxy
from scanner.sources.registry.tls import ClientCertificate


class Gate:
    """Asked before each request to the registry and told what it says of its own limits, from several threads.

    This one lets everything through.
    """

    def permit(self, method: str, path: str) -> None:
        """Let one request pass.

        :raises Unavailable: when nothing may be sent for now.
        """

    def heard(self, rate_limit: Mapping[str, str]) -> None:
        """Take note of the rate limit headers of an answer that has any."""


@dataclass(frozen=True, slots=True)
class Access:
    """Switched-off certificate checks and the client certificate count for the registry's own origin only.

    :param token_hosts: hosts beside the registry's own that may be sent the credential for a token.
    :param extra_ca: certificates in PEM of an authority the operating system does not know.
    :param proxy: ``None``: straight; what the environment says of proxies never counts.
    :param connections: to the registry at once.
    :param gate: limits of ours.
    :param sleep: waits between repetitions.
    """

    credential: Credential | None = None
    network: NetworkPolicy = PUBLIC_ONLY
    token_hosts: tuple[str, ...] = ()
    extra_ca: str | None = None
    verify_tls: bool = True
    client: ClientCertificate | None = None
    proxy: Proxy | None = None
    connections: int = 16
    gate: Gate = field(default_factory=Gate, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def secrets(self) -> tuple[str, ...]:
        """Every form in which a secret leaves us, to be taken out of what servers say."""
        holders = (self.credential, self.proxy.credential if self.proxy else None)
        return tuple(secret for holder in holders if holder for secret in holder.secrets())
