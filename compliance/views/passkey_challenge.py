"""What a browser was asked for a passkey, kept in its session until it answers: once, soon, and for one purpose."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.http import HttpRequest

from compliance.services.accept_passkey import SECONDS, Asked, State

_KEPT: Final = "passkey_asked"


class Purpose(StrEnum):
    """What an answer is good for. After the password a device need not know its owner: that answer lets in by no means
    without the password."""

    ADD = "add"
    LOGIN = "login"
    CODE = "code"


def pose(request: HttpRequest, purpose: Purpose, asked: Asked, now: datetime) -> str:
    """Remember it instead of what was asked before; the options, for our script."""
    until = int((now + timedelta(seconds=SECONDS)).timestamp())
    request.session[_KEPT] = {"purpose": purpose, "until": until, "state": dict(asked.state)}
    return json.dumps(asked.options["publicKey"])


def posed(request: HttpRequest, purpose: Purpose, now: datetime) -> State | None:
    """What was asked, and nothing when it is asked for again: an answer counts once, and one that is wrong is one."""
    kept = request.session.pop(_KEPT, None)
    if kept is None or kept["purpose"] != purpose or kept["until"] < now.timestamp():
        return None
    state: State = kept["state"]
    return state
