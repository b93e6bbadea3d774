"""What the product needs in its environment, completed from `.local` on a machine where nobody set it.

`.local/env` (0600) keeps the two keys, made once, and while the local stack runs its two addresses; the settings read
it too, so that `manage.py` in a second terminal reaches the same servers. What the environment says always wins.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from compliance.localstack.secret_files import write_secret
from compliance.localstack.stack import ROOT, LocalStack

LOCAL = ROOT / ".local"
ADDRESSES = {"DATABASE_URL": "postgres", "REDIS_URL": "valkey"}  # and the server each of them is about


class LocalEnvironment:
    """The variables of one `.local` folder and the stack behind them."""

    def __init__(self, folder: Path = LOCAL, given: Mapping[str, str] | None = None) -> None:
        self._given = os.environ if given is None else given
        self._file = folder / "env"
        self._folder = folder
        self.stack = LocalStack(folder / "stack")

    def complete(self, *, stay: bool = False) -> dict[str, str]:
        """Return the variables nobody set, starting the local server of each address among them.

        With `stay` the servers outlive this process.

        :raises LocalStackError: when they are needed and cannot run here.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = {name: value for name, value in self._keys().items() if not self._has(name)}
        missing = {name: server for name, server in ADDRESSES.items() if not self._has(name)}
        if missing:
            addresses = self.stack.start(stay=stay, servers=missing.values()).environment
            found |= {name: addresses[name] for name in missing}
        if found:
            self._write(self._read() | found)
        return found

    def leave(self) -> None:
        """Stop using the servers; forget their addresses once they are down."""
        self.stack.leave()
        if self.stack.status() is None:
            self.forget_addresses()

    def forget_addresses(self) -> None:
        kept = {name: value for name, value in self._read().items() if name not in ADDRESSES}
        if self._file.exists():
            self._write(kept)

    def _has(self, name: str) -> bool:
        return bool(self._given.get(name) or self._given.get(f"{name}_FILE"))

    def _keys(self) -> dict[str, str]:
        kept = self._read()
        return {
            "SECRET_KEY": kept.get("SECRET_KEY") or secrets.token_urlsafe(50),
            "PLIMSOLL_CREDENTIAL_KEYS": kept.get("PLIMSOLL_CREDENTIAL_KEYS") or new_credential_key(),
        }

    def _read(self) -> dict[str, str]:
        if not self._file.exists():
            return {}
        pairs = (line.partition("=") for line in self._file.read_text().splitlines())
        return {name: value for name, equals, value in pairs if equals}

    def _write(self, variables: Mapping[str, str]) -> None:
        text = "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))
        write_secret(self._file, text)


def new_credential_key() -> str:
    """Return a key as Fernet wants it: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode("ascii")
