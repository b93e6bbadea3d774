"""A registry whose answers to some requests are written by hand, byte by byte."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.demo_registry.faults import Seen
from tests.support.demo_registry.server import DemoRegistry, Handler

_LONGEST_SECONDS = 8.0
_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass(frozen=True, slots=True)
class Manner:
    """How requests whose path contains ``where`` are answered.

    :param answer: returns whether it answered; where it did not, the demo registry does.
    """

    where: str
    answer: Callable[[Rude], bool]
    method: str = ""


class RudeRegistry(DemoRegistry):
    """Answers by its manner what that is for, and else as it should."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.RequestHandlerClass = Rude
        self.manner: Manner | None = None
        self.elsewhere = ""
        """The address of a host that must hear no secret."""
        self.spoiled = 0
        """Requests answered by the manner since it was set."""

    def behave(self, manner: Manner | None) -> None:
        """From now on."""
        self.manner, self.spoiled = manner, 0
        self.requests.clear()


class Rude(Handler):
    """One connection."""

    server: RudeRegistry

    def _serve(self, body: bytes = b"") -> None:
        manner = self.server.manner
        meant = manner and manner.where in self.path and manner.method in ("", self.command)
        if not manner or not meant:
            super()._serve(body)
            return
        self.server.spoiled += 1
        before = len(self.server.requests)
        self.server.requests.append(Seen(self.command, self.path, self.headers.get("Authorization")))
        with suppress(OSError):  # the client has had enough
            if manner.answer(self):
                self.close_connection = True
                return
            del self.server.requests[before:]
            super()._serve(body)

    @property
    def start(self) -> int:
        """Where the client wants a blob from."""
        found = _RANGE.match(self.headers.get("Range") or "")
        return int(found[1]) if found else 0

    def content(self) -> bytes:
        """What the blob, or the manifest named by its digest or the tag, is."""
        name = self.path.partition("?")[0].rpartition("/")[2]
        if "/manifests/" in self.path and ":" not in name:
            found = self.server.layout.manifest(self.path.split("/v2/")[1].split("/manifests/")[0], name)
            assert found is not None
            name = found.digest
        path = self.server.layout.blob(name)
        assert path is not None
        return path.read_bytes()

    def write(self, *parts: bytes) -> bool:
        """Write bytes as they are; for ``return``."""
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()
        return True

    def drip(self, content: bytes, seconds: float = 0.05) -> bool:
        """A byte now and then, for as long as anybody listens."""
        return self.write_on((content[at : at + 1] for at in range(len(content))), seconds)

    def write_on(self, parts: Iterable[bytes], seconds: float = 0.0) -> bool:
        """Write until it ends, or the time is up, or nobody listens."""
        ends = time.monotonic() + _LONGEST_SECONDS
        for part in parts:
            self.write(part)
            time.sleep(seconds)
            if time.monotonic() > ends:
                break
        return True

    def hold(self) -> bool:
        """Say nothing more, and do not hang up before the client does."""
        self.connection.settimeout(_LONGEST_SECONDS)
        while self.connection.recv(65_536):
            pass
        return True

    def reset(self) -> bool:
        """End the connection with RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        return True
