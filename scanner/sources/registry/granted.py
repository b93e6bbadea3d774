"""What a bearer token says it grants, where it is a JWT anybody can read: only to be shown, never to be trusted."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from scanner.domain.problems import Refused
from scanner.sources.registry.json_body import json_object

_JWT = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*", re.ASCII)
_LONGEST_TOKEN = 1 << 16
_MOST_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Granted:
    """Scopes as the token service writes them: ``repository:team/shop:pull``."""

    scopes: tuple[str, ...]

    def lacks(self, asked: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the asked scopes are not granted, or not with all their actions."""
        held: dict[str, set[str]] = {}
        for scope in self.scopes:
            head, _, actions = scope.rpartition(":")
            held.setdefault(head, set()).update(actions.split(","))
        return tuple(scope for scope in asked if ":" in scope and not _covered(scope, held))

    def __str__(self) -> str:
        return ", ".join(self.scopes) or "nothing"


def granted(token: str) -> Granted | None:
    """Read the ``access`` claim (CNCF distribution, "Token Authentication: JWT"); ``None`` where there is none."""
    found = _JWT.fullmatch(token) if len(token) <= _LONGEST_TOKEN else None
    if not found:
        return None
    try:
        payload = base64.b64decode(found[1] + "=" * (-len(found[1]) % 4), altchars=b"-_")
        access = json_object(payload, "token").get("access")
    except (binascii.Error, Refused):
        return None
    if not isinstance(access, list):
        return None
    scopes = (_scope(entry) for entry in access[:_MOST_ENTRIES])
    return Granted(tuple(scope for scope in scopes if scope))


def _scope(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    kind, name, actions = entry.get("type"), entry.get("name"), entry.get("actions")
    if not isinstance(kind, str) or not isinstance(name, str) or not isinstance(actions, list):
        return ""
    words = [action for action in actions[:_MOST_ENTRIES] if isinstance(action, str)]
    return f"{kind}:{name}:{','.join(words)}"


def _covered(scope: str, held: dict[str, set[str]]) -> bool:
    head, _, actions = scope.rpartition(":")
    allowed = held.get(head, set())
    return "*" in allowed or allowed.issuperset(actions.split(","))
