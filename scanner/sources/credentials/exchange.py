"""What all exchanges of a cloud's identity for a registry's credential share: the SDK, a memory, names for failures."""

from __future__ import annotations

import hashlib
import importlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from scanner.domain.printable import printable
from scanner.domain.problems import ScanProblem
from scanner.sources.credentials.problems import refused, unavailable
from scanner.sources.registry.addresses import Origin
from scanner.sources.registry.credentials import Credential, without

_REMEMBERED: Final = 1_000
_MARGIN_SECONDS: Final = 300.0
_LONGEST_SECONDS: Final = 12 * 3_600.0
# What the SDKs raise when asking again cannot help: boto3, google-auth, azure-identity.
_PERMANENT: Final = frozenset(
    {
        *("NoCredentialsError", "PartialCredentialsError", "ClientError", "ParamValidationError"),
        *("RefreshError", "DefaultCredentialsError", "MalformedError"),
        *("ClientAuthenticationError", "CredentialUnavailableError"),
        *("ValueError", "KeyError", "TypeError"),
    }
)


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody entered at a registry. Without any of it the machine's own identity is meant.

    :param may_be_ambient: whether the operator lends that.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    may_be_ambient: bool = False

    def is_ambient(self) -> bool:
        """Whether the machine's own identity is meant.

        :raises Refused: ``credential-forbidden`` where it is, and is not lent.
        """
        if self.username or self.password:
            return False
        if not self.may_be_ambient:
            raise refused("credential-forbidden", "No credential was entered, and the workers' own is not lent")
        return True


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A credential and the wall clock's second at which it ends."""

    credential: Credential
    ends_at: float


class Memory:
    """Keeps credentials until shortly before they end, in this process only."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, ...], Exchanged] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, kind: str, registry: Origin, entered: Entered, fetch: Callable[[], Exchanged]) -> Credential:
        """The credential for what was entered, fetched where none is kept that counts for some minutes more.

        :raises SourceProblem: what ``fetch`` raises.
        """
        secret = hashlib.sha256(entered.password.encode()).hexdigest()
        key = kind, str(registry), entered.username, secret
        with self._lock:  # one exchange at a time: others wait instead of asking the same
            kept = self._kept.get(key)
            if kept is None or kept.ends_at - _MARGIN_SECONDS <= self._clock():
                kept = fetch()
                longest = self._clock() + _LONGEST_SECONDS
                self._kept[key] = Exchanged(kept.credential, min(kept.ends_at, longest))
            self._kept.move_to_end(key)
            while len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
            return kept.credential

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()


MEMORY: Final = Memory()


def sdk(module: str, extra: str) -> Any:
    """Import a part of a cloud's SDK, which the default requirements leave out.

    :raises Refused: ``credential-sdk-missing``, which says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        what = f"The Python package for this credential is not installed here ({package})"
        raise refused("credential-sdk-missing", what, extra=extra) from error


@contextmanager
def asking(whom: str, secrets: tuple[str, ...]) -> Iterator[None]:
    """Turn whatever an SDK raises into a problem with a name and without secrets."""
    try:
        yield
    except ScanProblem:
        raise
    except Exception as error:
        said = printable(without(f"{type(error).__name__}: {error}", secrets), longest=300)
        if _is_permanent(error):
            raise refused("credential-exchange", f"{whom} refuses: {said}") from None
        raise unavailable("credential-exchange-failed", f"{whom}: {said}") from None


def _is_permanent(error: Exception) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    if getattr(error, "retryable", False) is True:
        return False
    response = getattr(error, "response", None)
    if type(error).__name__ == "ClientAuthenticationError" and response is None:
        return False  # azure-identity's name also for a network that fails, but then nobody answered
    if isinstance(response, dict):  # botocore: a throttled or failing service is a ClientError too
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = str(response.get("Error", {}).get("Code", ""))
        if status == 429 or (isinstance(status, int) and status >= 500) or "Throttl" in code:
            return False
    return bool(names & _PERMANENT)
