"""One HTTP request to a destination that a person chose, so to one that may be hostile.

It goes by the scanner's transport: every address of the name is judged, and one of exactly those is connected to; no
redirect is followed, no proxy of the environment used, no answer decompressed. What the other side says beyond its
status is shown to nobody: else whoever enters a destination could read what only this machine can reach.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from compliance.outgoing.outcome import Outcome
from scanner.domain.limits import Limits
from scanner.domain.problems import SourceProblem
from scanner.sources.registry.access import Access
from scanner.sources.registry.addresses import InvalidRegistryUrl, Target, parse_target
from scanner.sources.registry.network import NetworkPolicy
from scanner.sources.registry.transport import Response, Transport

MOST_SECONDS: Final = 10.0
"""For the head of an answer: a worker waits that long."""

_COURTESY_SECONDS: Final = 1.0
"""For its body, of which nothing is wanted: a host that can end it keeps its connection in order."""

_MOST_OF_AN_ANSWER: Final = 4_096
_GONE: Final = 410
_LEAVE_ALONE: Final = (429, 503)
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_USER_AGENT: Final = "Plimsoll"

_PROBLEMS: Final[Mapping[str, str]] = {
    "unreachable": "The host cannot be reached.",
    "name-timeout": "No name server said in time where the host is.",
    "timeout": "The host did not answer in time.",
    "truncated": "The connection broke off.",
    "forbidden-address": "The host is at an address that is not to be connected to.",
    "tls-expired": "The host's certificate has expired.",
    "tls-untrusted": "The host's certificate is not trusted.",
    "tls-wrong-host": "The host's certificate is for another name.",
    "tls-failed": "No TLS connection to the host is possible.",
    "protocol-error": "The answer is not HTTP.",
}


class InvalidDestination(ValueError):
    """The text is not a destination; the message is a sentence for whoever typed it."""


def destination(url: str, *, private: bool) -> Target:
    """Read where to send to; plain http only within a private network.

    :raises InvalidDestination: for everything that is not one clear address.
    """
    try:
        target = parse_target(url)
    except InvalidRegistryUrl as error:
        raise InvalidDestination(error.reason) from error
    if target.origin.scheme != "https" and not private:
        raise InvalidDestination("The address must begin with https://.")
    return target


def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool, limits: Limits) -> Outcome:
    """Send JSON once and say what came back.

    :param private: addresses of private networks may be connected to; link-local and metadata addresses never.
    """
    try:
        target = destination(url, private=private)
    except InvalidDestination as error:
        return Outcome(False, 0, str(error))
    bounded = replace(
        limits, first_byte_seconds=MOST_SECONDS, idle_seconds=MOST_SECONDS, body_seconds=_COURTESY_SECONDS
    )
    transport = Transport(target.origin, Access(network=NetworkPolicy(allow_private=private), connections=1), bounded)
    sent = {**headers, "Content-Type": "application/json", "User-Agent": _USER_AGENT, "Accept": "*/*"}
    try:
        with transport.exchange("POST", target, sent, body) as response:
            outcome = _outcome(response)
            with suppress(SourceProblem):  # it has answered: what it drips after that changes nothing
                _drain(response)
            return outcome
    except SourceProblem as problem:
        return Outcome(False, 0, _PROBLEMS.get(problem.code, f"The request could not be made ({problem.code})."))
    finally:
        transport.close()


def _drain(response: Response) -> None:
    """Let the other side finish a short answer; of a long one the connection is closed."""
    size = 0
    for chunk in response.chunks():
        size += len(chunk)
        if size > _MOST_OF_AN_ANSWER:
            return


def _outcome(response: Response) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Outcome(True, status, "Delivered.")
    if 300 <= status < 400:
        return Outcome(False, status, "The host redirects, which is not followed: enter the address it leads to.")
    if status == _GONE:
        return Outcome(False, status, "The host answered 410: nobody is there any more.", final=True)
    return Outcome(False, status, f"The host answered {status}.", wait=_asked(response))


def _asked(response: Response) -> int:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3); a date is not waited for, as nobody's clock is to be trusted."""
    text = (response.header("Retry-After") or "").strip()
    return int(text) if response.status in _LEAVE_ALONE and _SECONDS.fullmatch(text) else 0
