"""What people are told while the queue or the database is away."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static

_SECONDS_TO_RETRY: Final = "10"
_SECONDS_TO_ANSWER: Final = 0.5
_SECONDS_TO_BELIEVE: Final = 5.0
_STYLES: Final = ("tokens", "elements", "layout", "components", "pages")


class Looked:
    """Whether the queue answers, asked for now and then and not for each page."""

    def __init__(self, ask: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._guard = threading.Lock()
        self._until = 0.0
        self._is_away = False

    def is_away(self) -> bool:
        """What was found in the last seconds; while one thread asks, the others believe what was found before."""
        if self._clock() >= self._until and self._guard.acquire(blocking=False):
            try:
                self._is_away = not self._ask()
                self._until = self._clock() + _SECONDS_TO_BELIEVE
            finally:
                self._guard.release()
        return self._is_away


def queue_answers() -> bool:
    """Ask it."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_SECONDS_TO_ANSWER, socket_connect_timeout=_SECONDS_TO_ANSWER
    )
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


QUEUE: Final = Looked(queue_answers)


def queue_notice(request: HttpRequest) -> dict[str, Callable[[], bool]]:
    """For every template; asked only where a page shows it."""
    return {"queue_is_away": QUEUE.is_away}


def server_error(request: HttpRequest) -> HttpResponse:
    """503 with a time to come again while the database is away; 500 for everything else."""
    context = {"styles": _styles()}
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        text = render_to_string("503.html", context)
        return HttpResponse(text, status=503, headers={"Retry-After": _SECONDS_TO_RETRY})
    return HttpResponse(render_to_string("500.html", context), status=500)


def _styles() -> tuple[str, ...]:
    """Addresses of the style sheets; none where the manifest that knows them is missing, which may be the fault."""
    try:
        return tuple(static(f"css/{name}.css") for name in _STYLES)
    except ValueError:
        return ()
