"""Which servers the site uses, without what lets anybody in; and how its stored secrets are sealed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings

from compliance.localstack.stack import LocalStack
from compliance.models.encryption import FACTOR_SECRETS, EncryptedTextField

_HOST: Final = re.compile(r"[A-Za-z0-9._\-]{1,253}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_PATH: Final = re.compile(r"/[A-Za-z0-9._/\-]{1,200}", re.ASCII)
_ELSEWHERE: Final = "an address of another form"


@dataclass(frozen=True, slots=True)
class Service:
    """A server; ``where`` is host and port and never more, ``is_embedded``: `make run` started it on this machine."""

    name: str
    where: str
    is_embedded: bool = False


@dataclass(frozen=True, slots=True)
class Keys:
    """The credential keys: how many, and how many secrets wait to be sealed with the first.

    :param older: sealed with a later key; ``lost``: with one that is not there. ``None`` where nobody looked, since
        there is but one key to be sealed with.
    """

    count: int
    stored: int | None = None
    older: int | None = None
    lost: int | None = None


def services_used() -> tuple[Service, ...]:
    """Postgres, the queue, and the mail server where there is one."""
    embedded = _embedded()
    database = settings.DATABASES["default"]
    found = [
        _service("PostgreSQL", address(database.get("HOST") or "", database.get("PORT")), embedded),
        _service("Redis or Valkey", address_of(settings.REDIS_URL), embedded),
    ]
    if settings.MAIL_CONFIGURED:
        found.append(Service("Mail", address(settings.EMAIL_HOST, settings.EMAIL_PORT)))
    return tuple(found)


def _service(name: str, where: str, embedded: frozenset[str]) -> Service:
    return Service(name, where, where in embedded)


def _embedded() -> frozenset[str]:
    running = LocalStack(Path(settings.ROOT) / ".local" / "stack").status()
    urls = (running.database_url, running.redis_url) if running else ()
    return frozenset(address_of(url) for url in urls if url) - {_ELSEWHERE}


def address_of(url: str) -> str:
    """Host and port of a URL, or the path of a socket; nothing that is not surely one of these is repeated."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return _ELSEWHERE
    return address(host or (parts.path if "@" not in parts.path else ""), port)


def address(host: str, port: object = None) -> str:
    """A host with its port, if it is a host; settings may hold anything."""
    if _PATH.fullmatch(host):
        return host
    if not _HOST.fullmatch(host):
        return _ELSEWHERE if host else "on this machine"
    text = str(port or "")
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{text}" if text.isascii() and text.isdecimal() and len(text) <= 5 else shown


def credential_keys() -> Keys:
    """How far a rotation has come; with one key there is nothing to look for."""
    count = len(settings.CREDENTIAL_KEYS)
    if count < 2:
        return Keys(count)
    fernets = [Fernet(key) for key in settings.CREDENTIAL_KEYS]
    places = [_place(fernets, token) for token in _sealed()]
    older = sum(place is not None and place > 0 for place in places)
    return Keys(count, len(places), older, sum(place is None for place in places))


def _sealed() -> list[str]:
    found: list[str] = []
    for model in apps.get_models():
        names = [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        if names:
            rows = model._default_manager.values_list(*names)
            found += [str(value) for row in rows for value in row if value]
    factors = Authenticator.objects.values_list("data", flat=True)
    return found + [str(data[name]) for data in factors for name in FACTOR_SECRETS if data.get(name)]


def _place(fernets: list[Fernet], token: str) -> int | None:
    for place, each in enumerate(fernets):
        try:
            each.decrypt(token)
        except InvalidToken:
            continue
        return place
    return None
