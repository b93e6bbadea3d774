"""What a person enters about a registry."""

from __future__ import annotations

from dataclasses import dataclass, field

from compliance.policy.scan_scope import ScanScope
from compliance.policy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class RegistryValues:
    """A secret that is ``None`` keeps the stored one, ``""`` removes it; none shows itself."""

    name: str
    url: str
    policy: str
    product: str = "distribution"
    namespaces: tuple[str, ...] = ()
    entered_repositories: tuple[str, ...] = ()
    auth_method: str = "password"
    username: str = ""
    password: str | None = field(default=None, repr=False)
    api_token: str | None = field(default=None, repr=False)
    verify_tls: bool = True
    allow_private: bool = False
    token_hosts: tuple[str, ...] = ()
    extra_ca: str = ""
    client_certificate: str = ""
    client_key: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    protected_tags: tuple[str, ...] = ()
    scope: ScanScope = field(default_factory=ScanScope)
    schedule: Schedule = field(default_factory=Schedule)
    connections: int = 16
    requests_per_minute: int | None = None
    enabled: bool = True
    environment: str = ""
