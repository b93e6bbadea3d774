"""What a person enters about a registry."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RegistryValues:
    """``password`` ``None`` keeps the stored one; it never shows itself."""

    name: str
    url: str
    policy: str
    username: str = ""
    password: str | None = field(default=None, repr=False)
    verify_tls: bool = True
    allow_private: bool = False
    token_hosts: tuple[str, ...] = ()
    protected_tags: tuple[str, ...] = ()
    interval_minutes: int = 60
    enabled: bool = True
