"""New images while something else goes on: how long from a push until the verdict is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from benchmarks.support.hook import Hook
from compliance.models import Tag
from tests.support.flood import send
from tests.support.images import File, image, layer
from tests.support.real_registry import RealRegistry

_SECONDS_BETWEEN = 2.0
_LOOK_SECONDS = 0.02
_REPOSITORY = "trickle/service"
_MOST_WAIT = 300.0


class Trickle:
    """Pushes an image every two seconds, announces it, and looks for its verdict."""

    def __init__(self, registry: RealRegistry, hook: Hook, port: int, patience: float) -> None:
        self._registry, self._hook, self._port, self._patience = registry, hook, port, patience
        self._digests: dict[str, str] = {}
        self._pushed: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._told_to_end = threading.Event()
        self._thread = threading.Thread(target=self._flow)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """While this lasts; what is on its way then is still looked for."""
        self._thread.start()
        try:
            yield
        finally:
            self._told_to_end.set()

    def seconds(self) -> list[float]:
        """From each push to its verdict."""
        self._thread.join()
        return list(self._seen.values())

    def missing(self) -> int:
        """How many have no verdict."""
        self._thread.join()
        return len(self._pushed) - len(self._seen)

    def digests(self) -> dict[tuple[str, str], str]:
        """What was pushed."""
        return {(_REPOSITORY, tag): digest for tag, digest in self._digests.items()}

    def _flow(self) -> None:
        due = time.monotonic()
        try:
            while not self._told_to_end.is_set() or self._is_waiting():
                if time.monotonic() >= due and not self._told_to_end.is_set():
                    self._push()
                    due = time.monotonic() + _SECONDS_BETWEEN
                self._look()
                time.sleep(_LOOK_SECONDS)
        finally:
            connection.close()

    def _push(self) -> None:
        tag = f"1.{len(self._pushed)}"
        own = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n"), "srv/mark": File(tag.encode())})
        digest = self._registry.push(_REPOSITORY, tag, image([own], user="1001"))
        now = time.monotonic()
        self._digests[tag], self._pushed[tag] = digest, now
        send(self._port, self._hook.push(_REPOSITORY, tag, digest), due=now, patience=self._patience)

    def _look(self) -> None:
        waiting = [tag for tag in self._pushed if tag not in self._seen]
        rows = Tag.objects.filter(repository__name=_REPOSITORY, name__in=waiting).exclude(verdict="")
        now = time.monotonic()
        for tag, digest in rows.values_list("name", "digest") if waiting else ():
            if digest == self._digests[tag]:
                self._seen[tag] = now - self._pushed[tag]

    def _is_waiting(self) -> bool:
        return any(
            tag not in self._seen and time.monotonic() - pushed < _MOST_WAIT for tag, pushed in self._pushed.items()
        )
