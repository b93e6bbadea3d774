"""Where registries push: ``/hooks/KEY`` with or without the secret behind it, with or without a slash at its end.

Never a redirect: Go's client would follow it with a GET and take the push for delivered. Nothing tells a wrong secret
from an endpoint that is not there.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import Final, Protocol

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseFault
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from compliance.models.encryption import CredentialKeyMissing
from compliance.services.accept_event import Accepted, Arrival, accept_event
from compliance.services.authenticate_sender import find_addressed, is_authentic, may_go_on
from compliance.tasks.push_bell import BELL
from compliance.views.slow_bodies import READINGS, BodyTooSlow, Reading
from compliance.webhooks.body import MOST_BYTES
from compliance.webhooks.proof import Request

logger = logging.getLogger(__name__)

_ADDRESS = re.compile(r"/+hooks/+(?P<key>[^/]*)/?(?P<secret>.*)", re.DOTALL)
_SECRET_OF: Final = "plimsoll.hook_secret"
_WORDS: Final = "Not authenticated."
_SECONDS_TO_RETRY: Final = "10"
_CHUNK: Final = 64 * 1024


class Refusal(Exception):
    """An answer that is not 202."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Stream(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes: ...


def answer_registries(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer pushes before any other middleware sees the request.

    What logs, shows or redirects never meets the secret of an address, and no push pays for sessions and pages.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        found = _ADDRESS.fullmatch(request.path_info)
        if found is None:
            return get_response(request)
        shown = f"/hooks/{found['key']}"
        request.META[_SECRET_OF] = found["secret"].removesuffix("/")
        request.path = request.path.removesuffix(request.path_info) + shown
        request.path_info = shown
        # gunicorn's access log reads these after the answer.
        request.META.update(PATH_INFO=shown, RAW_URI=shown, REQUEST_URI=shown, QUERY_STRING="")
        response = receive(request, found["key"])
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Length"] = str(len(response.content))  # or the answer comes in chunks
        return response

    return middleware


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, key: str = "") -> HttpResponse:
    """Store what a registry sends and answer 202."""
    began = time.perf_counter()
    try:
        accepted = _accept(request, key, lambda: (time.perf_counter() - began) * 1_000)
    except Refusal as refusal:
        headers = {"Allow": "POST"} if refusal.status == 405 else {}
        return JsonResponse({"error": str(refusal)}, status=refusal.status, headers=headers)
    except (DatabaseFault, CredentialKeyMissing):
        logger.exception("an event could not be stored")
        words = {"error": "It cannot be stored now. Send it again."}
        return JsonResponse(words, status=503, headers={"Retry-After": _SECONDS_TO_RETRY})
    BELL.ring(accepted.wake_ups)
    return JsonResponse({"event": accepted.event_id, "outcome": accepted.outcome}, status=202)


def _accept(request: HttpRequest, key: str, milliseconds: Callable[[], float]) -> Accepted:
    if request.method != "POST":
        raise Refusal(405, "Only POST.")
    now = timezone.now()
    head = _head(request)
    # Nobody waits for the body of somebody who cannot be meant: a thousand of them, dripping, would hold every thread.
    addressed = find_addressed(key, now=now)
    if addressed is None or not may_go_on(addressed, head, now=now):
        raise Refusal(401, _WORDS)
    asked = replace(head, body=_body(request))
    if not is_authentic(addressed, asked, now=now):
        raise Refusal(401, _WORDS)
    return accept_event(addressed.endpoint, Arrival(asked, now, milliseconds, addressed.secrets, _address(request)))


def _head(request: HttpRequest) -> Request:
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "")
    if encoding.lower() not in ("", "identity"):
        raise Refusal(415, "The body must not be encoded.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(headers, b"", request.META.get(_SECRET_OF, ""))


def _body(request: HttpRequest) -> bytes:
    """The whole body: never more of it than is allowed, whatever its length is said to be, and in time."""
    stream, length = _announced(request)
    seconds = settings.HOOK_BODY_SECONDS
    try:
        with READINGS.within(seconds, request.META.get("gunicorn.socket")) as reading:
            body = _read(stream, reading)
            if len(body) < length:
                raise EOFError
    except BodyTooSlow as fault:
        raise Refusal(408, f"The body was not there within {seconds:g} seconds.") from fault
    except (OSError, EOFError) as fault:
        raise Refusal(400, "The body ends too soon.") from fault
    if len(body) > MOST_BYTES:
        raise Refusal(413, "The body is too large.")
    return body


def _announced(request: HttpRequest) -> tuple[Stream, int]:
    """Where the body is read from, and how many bytes are said to come; 0: as many as come."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        # Django reads nothing without a length; the server has taken the chunks apart and knows where they end.
        if not request.META.get("wsgi.input_terminated"):
            raise Refusal(411, "The length of the body must be given.")
        return request.META["wsgi.input"], 0
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal()):
        raise Refusal(400, "The length of the body is not a number.")
    if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
        raise Refusal(413, "The body is too large.")
    return request, int(length)


def _read(stream: Stream, reading: Reading) -> bytes:
    """As much as there is, and at most one byte more than is allowed."""
    chunks: list[bytes] = []
    left = MOST_BYTES + 1
    while left and (chunk := stream.read(min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
        if left:
            reading.go_on()
    return b"".join(chunks)


def _address(request: HttpRequest) -> str | None:
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None
