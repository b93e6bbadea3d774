"""Google Artifact Registry and Container Registry: a Google identity for ``oauth2accesstoken`` and a token of an hour.

A service account's key works without this too, as the password of the user ``_json_key``; a token ends by itself, so
it is the better thing to show a registry.
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from functools import partial
from typing import Any, Final

from scanner.sources.credentials.exchange import MEMORY, Entered, Exchanged, Memory, asking, sdk
from scanner.sources.credentials.problems import refused
from scanner.sources.registry.addresses import Origin
from scanner.sources.registry.credentials import Credential

_HOST: Final = re.compile(r"(?:[a-z0-9-]{1,40}\.)?(?:gcr\.io|pkg\.dev)", re.ASCII)
_USER: Final = "oauth2accesstoken"
_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform.read-only",)
_TOKEN_SERVICE: Final = "https://oauth2.googleapis.com/token"
_LONGEST_KEY: Final = 16_384
_SECONDS: Final = 15


def credential(registry: Origin, entered: Entered, memory: Memory = MEMORY) -> Credential:
    """Exchange a service account's key, or the machine's own identity, for what the registry takes.

    :param entered: the key's JSON document as the password; the user name does not count.
    :raises SourceProblem: ``credential-wrong-host``, ``credential-sdk-missing``, ``credential-invalid`` and others.
    """
    if registry.scheme != "https" or not _HOST.fullmatch(registry.host):
        raise refused("credential-wrong-host", f"{registry} is not an address of Google's registries")
    info = None if Entered("", entered.password, entered.may_be_ambient).is_ambient() else _key(entered.password)
    return memory.get("google", registry, entered, lambda: _exchange(info))


def _exchange(info: dict[str, str] | None) -> Exchanged:
    transport = sdk("google.auth.transport.requests", "google")
    with asking("Google", tuple((info or {}).values())):
        identity = _identity(info)
        identity.refresh(partial(transport.Request(), timeout=_SECONDS))
        # The SDK says UTC without saying so.
        return Exchanged(Credential(_USER, identity.token), identity.expiry.replace(tzinfo=UTC).timestamp())


def _identity(info: dict[str, str] | None) -> Any:
    if info is None:
        found, _ = sdk("google.auth", "google").default(scopes=_SCOPES)
        return found
    accounts = sdk("google.oauth2.service_account", "google")
    return accounts.Credentials.from_service_account_info(info, scopes=_SCOPES)


def _key(text: str) -> dict[str, str]:
    """The fields of a key that say who it is. Where to send it, a key does not decide: it could name any address."""
    try:
        document = json.loads(text) if len(text) <= _LONGEST_KEY else None
    except (ValueError, RecursionError):
        document = None
    document = document if isinstance(document, dict) else {}
    names = ("client_email", "private_key", "private_key_id")
    found = {name: document.get(name) for name in names}
    if document.get("type") != "service_account" or not all(isinstance(value, str) for value in found.values()):
        raise refused("credential-invalid", "This is not the JSON key of a Google service account")
    return {"type": "service_account", "token_uri": _TOKEN_SERVICE} | {name: str(found[name]) for name in names}
