"""Docker's credential helpers: programs that are asked by name for the credential of one registry."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Final

from docker.credentials import Store
from docker.credentials.errors import CredentialsNotFound, StoreError

SECONDS = 30.0
_NAME: Final = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_NOT_FOUND: Final = b"credentials not found in native keychain"
_OURS: Final = ("PLIMSOLL_", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_")
_LONGEST_ANSWER: Final = 64 * 1024


class Helper(Store):
    """The SDK's way to a helper, within bounds: no shell, no open end, and none of our own secrets.

    What a helper prints when it fails is not told: it may be the secret.
    """

    def __init__(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Look for ``docker-credential-NAME`` on the PATH.

        :raises StoreError: where there is none, or the name is not that of a program.
        """
        if not _NAME.fullmatch(name):
            raise StoreError(f"the name of a helper is not {name[:64]!r}")
        given = os.environ if environment is None else environment
        self._environment = {key: value for key, value in given.items() if not key.startswith(_OURS)}
        super().__init__(name)

    def _execute(self, subcmd: str, data_input: bytes) -> bytes:
        if self.exe is None:
            raise StoreError(f"{self.program} is not installed")
        command = [self.exe, subcmd]
        try:
            process = subprocess.Popen(  # noqa: S603 # the name was checked, and whoever wrote it owns the machine
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            raise StoreError(f"{self.program} cannot be run: {error.strerror}") from error
        with process:
            try:
                answer = self._answer(process, *_pipes(process), data_input)
            finally:
                _end(process)
        if process.returncode == 0:
            return answer
        if _NOT_FOUND in answer:
            raise CredentialsNotFound(f"{self.program} knows nothing of this registry")
        raise StoreError(f"{self.program} ended with status {process.returncode}; run it by hand to see why")

    def _answer(self, process: subprocess.Popen[bytes], into: IO[bytes], out: IO[bytes], question: bytes) -> bytes:
        with suppress(BrokenPipeError):
            into.write(question)
            into.close()
        answer, give_up = b"", time.monotonic() + SECONDS
        while len(answer) <= _LONGEST_ANSWER:
            left = give_up - time.monotonic()
            if left <= 0 or not select.select([out], [], [], left)[0]:
                raise StoreError(f"{self.program} did not answer within {SECONDS:g} seconds")
            piece = os.read(out.fileno(), _LONGEST_ANSWER)
            if not piece:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, give_up - time.monotonic()))
                return answer
            answer += piece
        raise StoreError(f"{self.program} prints more than {_LONGEST_ANSWER} bytes")


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise StoreError("a helper without pipes")
    return process.stdin, process.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a helper and what it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
