"""Settings from the environment, typed; a wrong value stops the start.

Each variable ``X`` may also come from a file named by ``X_FILE`` (Docker and Kubernetes secrets). On a machine
whose Postgres and Redis are the embedded ones, ``.local/env`` names them; the environment wins over it.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import environ

from compliance.policy.sign_on import SignOn, read_sign_on
from scanner.domain.limits import Limits

ROOT = Path(__file__).resolve().parent.parent.parent
LOCAL_ENV = ROOT / ".local" / "env"
_SIGN_ON = (
    "PLIMSOLL_OIDC_ISSUER",
    "PLIMSOLL_OIDC_CLIENT_ID",
    "PLIMSOLL_OIDC_CLIENT_SECRET",
    "PLIMSOLL_OIDC_GROUPS",
    "PLIMSOLL_OIDC_LABEL",
    "PLIMSOLL_OIDC_SCOPES",
)


def read_environment() -> environ.FileAwareEnv:
    """The environment, completed by ``.local/env`` where that exists."""
    if LOCAL_ENV.exists():
        environ.Env.read_env(LOCAL_ENV)
    return environ.FileAwareEnv()


def read_limits(env: environ.FileAwareEnv) -> Limits:
    """``PLIMSOLL_<NAME>`` for each field of ``Limits``.

    :raises ValueError: for a value that is not a number or not above zero.
    """
    values: dict[str, int | float] = {}
    for field in fields(Limits):
        name = f"PLIMSOLL_{field.name.upper()}"
        read = env.float if field.type == "float" else env.int
        value = read(name, default=field.default)
        if value <= 0:
            raise ValueError(f"{name} must be above zero")
        values[field.name] = value
    return Limits(**values)  # type: ignore[arg-type]  # each value was read with its field's own type


def read_single_sign_on(env: environ.FileAwareEnv) -> SignOn | None:
    """``PLIMSOLL_OIDC_…``; ``None`` where nothing is set.

    :raises ValueError: for what is set by half.
    """
    return read_sign_on({name: env.str(name, default="") for name in _SIGN_ON})
