"""All products that announce pushes, written out, and the one way from an authenticated request to hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from compliance.webhooks import (
    acr,
    artifactory,
    distribution,
    dockerhub,
    ecr,
    gar,
    gitea,
    github,
    gitlab,
    harbor,
    nexus,
    quay,
    zot,
)
from compliance.webhooks.body import parse_object
from compliance.webhooks.hint import Odd, Reading
from compliance.webhooks.sender import Home, Sender

ALL: Final = (
    distribution.SENDER,
    dockerhub.SENDER,
    github.SENDER,
    gitlab.SENDER,
    harbor.SENDER,
    quay.SENDER,
    ecr.SENDER,
    gar.SENDER,
    acr.SENDER,
    artifactory.SENDER,
    nexus.SENDER,
    gitea.SENDER,
    zot.SENDER,
)
"""In the order of the set-up page."""

SENDERS: Final[Mapping[str, Sender]] = MappingProxyType({sender.key: sender for sender in ALL})


def read_request(sender: Sender, headers: Mapping[str, str], body: bytes, home: Home) -> Reading:
    """Read an authenticated request; whatever is wrong with it is in ``odd``.

    :param headers: names in lower case.
    """
    try:
        reading = sender.read(headers, parse_object(body), home)
    except Odd as problem:
        return Reading(odd=[str(problem)])
    if sender.exact_host and home.host:
        _keep_own(reading, home.host)
    return reading


def _keep_own(reading: Reading, host: str) -> None:
    others = [hint for hint in reading.hints if hint.host != host.lower()]
    reading.hints = [replace(hint, host="") for hint in reading.hints if hint.host == host.lower()]
    reading.odd.extend(f"it is about {hint.host or 'no registry'}, not {host}" for hint in others)
